/** The table of `docker run` arguments: how the values of each become a part of the create body. Readers throw what is wrong with a value. */

import type { CreateBody, HostConfigBody } from './create-body.ts'
import { readDevices, readDeviceRates, readDeviceWeights, readGpus } from './device-arguments.ts'
import { readMount, readVolumes } from './mount-arguments.ts'
import { readSecurityOptions } from './security-arguments.ts'
import { bool, bytes, integer, integerFrom, last, pairs, nanoCpus, timeSeconds, ulimit } from './argument-values.ts'

/** The part of the body that an argument's values (at least one) stand for. */
export type ReadArgument = (values: readonly string[]) => CreateBody

/** An argument that is about the host's side of the container. */
function host(read: (values: readonly string[]) => HostConfigBody): ReadArgument {
  return (values) => ({ HostConfig: read(values) })
}

const DEVICE_CGROUP_RULE = /^[abc] (?:\d+|\*):(?:\d+|\*) [rwm]{1,3}$/
const EXTRA_HOST = /^([^:=\s]+)[:=](\S+)$/
const CPU_SET = /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/

export const READERS: Readonly<Record<string, ReadArgument>> = {
  // Rights
  'cap-add': host((values) => ({ CapAdd: values })),
  'cap-drop': host((values) => ({ CapDrop: values })),
  privileged: host((values) => ({ Privileged: bool(last(values)) })),
  'security-opt': host((values) => ({ SecurityOpt: readSecurityOptions(values) })),
  user: (values) => ({ User: last(values) }),
  userns: host((values) => ({ UsernsMode: last(values) })),
  'group-add': host((values) => ({ GroupAdd: values })),
  'read-only': host((values) => ({ ReadonlyRootfs: bool(last(values)) })),

  // Files and devices
  volume: readVolumes,
  mount: host((values) => ({ Mounts: values.map(readMount) })),
  'volume-driver': host((values) => ({ VolumeDriver: last(values) })),
  'volumes-from': host((values) => ({ VolumesFrom: values })),
  tmpfs: host((values) => ({ Tmpfs: Object.fromEntries(values.map(splitTmpfs)) })),
  'storage-opt': host((values) => ({ StorageOpt: pairs(values) })),
  device: host(readDevices),
  'device-cgroup-rule': host((values) => ({
    DeviceCgroupRules: values.map((value) => matching(value, DEVICE_CGROUP_RULE, 'c 1:3 rwm')),
  })),
  gpus: host((values) => ({ DeviceRequests: values.map(readGpus) })),

  // Limits
  ulimit: host((values) => ({ Ulimits: values.map(ulimit) })),
  'pids-limit': host((values) => ({ PidsLimit: integerFrom(-1)(last(values)) })),
  'cpu-shares': host((values) => ({ CpuShares: integerFrom(0)(last(values)) })),
  cpus: host((values) => ({ NanoCpus: nanoCpus(last(values)) })),
  'cpu-period': host((values) => ({ CpuPeriod: integerFrom(0)(last(values)) })),
  'cpu-quota': host((values) => ({ CpuQuota: integer(last(values)) })),
  'cpu-rt-period': host((values) => ({ CpuRealtimePeriod: integerFrom(0)(last(values)) })),
  'cpu-rt-runtime': host((values) => ({ CpuRealtimeRuntime: integer(last(values)) })),
  'cpuset-cpus': host((values) => ({ CpusetCpus: matching(last(values), CPU_SET, '0-3,5') })),
  'cpuset-mems': host((values) => ({ CpusetMems: matching(last(values), CPU_SET, '0-1') })),
  'memory-swappiness': host((values) => ({ MemorySwappiness: integerFrom(-1, 100)(last(values)) })),
  'memory-reservation': host((values) => ({ MemoryReservation: bytes(last(values)) })),
  'kernel-memory': host((values) => ({ KernelMemory: bytes(last(values)) })),
  'oom-kill-disable': host((values) => ({ OomKillDisable: bool(last(values)) })),
  'oom-score-adj': host((values) => ({ OomScoreAdj: integerFrom(-1000, 1000)(last(values)) })),
  'shm-size': host((values) => ({ ShmSize: bytes(last(values)) })),
  'blkio-weight': host((values) => ({ BlkioWeight: blkioWeight(last(values)) })),
  'blkio-weight-device': host((values) => ({ BlkioWeightDevice: readDeviceWeights(values) })),
  'device-read-bps': host((values) => ({ BlkioDeviceReadBps: readDeviceRates(values, bytes) })),
  'device-write-bps': host((values) => ({ BlkioDeviceWriteBps: readDeviceRates(values, bytes) })),
  'device-read-iops': host((values) => ({ BlkioDeviceReadIOps: readDeviceRates(values, integerFrom(0)) })),
  'device-write-iops': host((values) => ({ BlkioDeviceWriteIOps: readDeviceRates(values, integerFrom(0)) })),

  // How it is run
  runtime: host((values) => ({ Runtime: last(values) })),
  isolation: host((values) => ({ Isolation: last(values) })),
  init: host((values) => ({ Init: bool(last(values)) })),
  ipc: host((values) => ({ IpcMode: last(values) })),
  pid: host((values) => ({ PidMode: last(values) })),
  uts: host((values) => ({ UTSMode: last(values) })),
  'cgroup-parent': host((values) => ({ CgroupParent: last(values) })),
  cgroupns: host((values) => ({ CgroupnsMode: last(values) })),
  sysctl: host((values) => ({ Sysctls: pairs(values) })),
  'stop-signal': (values) => ({ StopSignal: last(values) }),
  'stop-timeout': (values) => ({ StopTimeout: timeSeconds(last(values)) }),
  workdir: (values) => ({ WorkingDir: matching(last(values), /^\//, '/home') }),
  env: (values) => ({ Env: values.map((value) => matching(value, /^[^=]+=/, 'NAME=value')) }),

  // What it is called, and how it finds others
  hostname: (values) => ({ Hostname: last(values) }),
  domainname: (values) => ({ Domainname: last(values) }),
  'mac-address': (values) => ({
    MacAddress: matching(last(values), /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i, '02:42:ac:11:00:02'),
  }),
  'add-host': host((values) => ({ ExtraHosts: values.map(extraHost) })),
  label: (values) => ({ Labels: Object.fromEntries(values.map(splitLabel)) }),
  annotation: host((values) => ({ Annotations: pairs(values) })),

  // Logs
  'log-driver': host((values) => ({ LogConfig: { Type: last(values) } })),
  'log-opt': host((values) => ({ LogConfig: { Config: pairs(values) } })),
}

function matching(value: string, pattern: RegExp, example: string): string {
  if (!pattern.test(value)) throw new Error(`${JSON.stringify(value)} is not of the form ${example}`)
  return value
}

/** `/run:size=64m,noexec`. */
function splitTmpfs(value: string): readonly [string, string] {
  const colon = value.indexOf(':')
  const path = colon < 0 ? value : value.slice(0, colon)
  matching(path, /^\//, '/path:size=64m')
  return [path, colon < 0 ? '' : value.slice(colon + 1)]
}

/** A label may have no value. */
function splitLabel(value: string): readonly [string, string] {
  const equals = value.indexOf('=')
  return equals < 0 ? [value, ''] : [value.slice(0, equals), value.slice(equals + 1)]
}

/** The engine takes `name:address` alone; newer command lines also take `name=address`. */
function extraHost(value: string): string {
  const [, name, address] = EXTRA_HOST.exec(value) ?? []
  if (name === undefined || address === undefined)
    throw new Error(`${JSON.stringify(value)} is not of the form name:address`)
  return `${name}:${address.replace(/^\[(.*)\]$/, '$1')}`
}

function blkioWeight(value: string): number {
  const weight = integerFrom(0, 1000)(value)
  if (weight !== 0 && weight < 10) throw new Error(`${value} is not a number from 10 to 1000, or 0 for none`)
  return weight
}
