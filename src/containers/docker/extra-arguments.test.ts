import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { CreateBody, HostConfigBody } from './create-body.ts'
import { BadArgument, EXTRA_ARGUMENTS, merge, readExtraArguments } from './extra-arguments.ts'

const MB = 1024 ** 2

/** Arguments, and the part of `HostConfig` that they become. */
const HOST: readonly [string, readonly string[], HostConfigBody][] = [
  ['cap-add', ['SYS_PTRACE', 'NET_BIND_SERVICE'], { CapAdd: ['SYS_PTRACE', 'NET_BIND_SERVICE'] }],
  ['cap-drop', ['NET_RAW'], { CapDrop: ['NET_RAW'] }],
  ['privileged', ['false'], { Privileged: false }],
  ['privileged', [], { Privileged: true }],
  ['userns', ['host'], { UsernsMode: 'host' }],
  ['group-add', ['audio', '1001'], { GroupAdd: ['audio', '1001'] }],
  ['read-only', ['true'], { ReadonlyRootfs: true }],
  ['read-only', ['0'], { ReadonlyRootfs: false }],
  ['security-opt', ['no-new-privileges'], { SecurityOpt: ['no-new-privileges'] }],
  ['security-opt', ['no-new-privileges:true'], { SecurityOpt: ['no-new-privileges=true'] }],
  [
    'security-opt',
    ['apparmor=docker-default', 'label:disable'],
    { SecurityOpt: ['apparmor=docker-default', 'label=disable'] },
  ],
  ['security-opt', ['seccomp=unconfined'], { SecurityOpt: ['seccomp=unconfined'] }],

  ['volume', ['/srv/data:/data:ro', 'cache:/var/cache'], { Binds: ['/srv/data:/data:ro', 'cache:/var/cache'] }],
  [
    'mount',
    ['type=bind,source=/a,target=/b,readonly'],
    { Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }] },
  ],
  [
    'mount',
    [
      'type=volume,src=v,dst=/b,volume-nocopy,volume-label=a=b,volume-label=c',
      'type=tmpfs,destination=/t,tmpfs-size=64m,tmpfs-mode=1777',
    ],
    {
      Mounts: [
        { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { NoCopy: true, Labels: { a: 'b', c: '' } } },
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 64 * MB, Mode: 0o1777 } },
      ],
    },
  ],
  [
    'mount',
    ['type=bind,src=/a,dst=/b,ro=false,bind-propagation=rslave,bind-nonrecursive=true,consistency=cached'],
    {
      Mounts: [
        {
          Type: 'bind',
          Source: '/a',
          Target: '/b',
          ReadOnly: false,
          Consistency: 'cached',
          BindOptions: { Propagation: 'rslave', NonRecursive: true },
        },
      ],
    },
  ],
  ['volume-driver', ['local'], { VolumeDriver: 'local' }],
  ['volumes-from', ['other:ro'], { VolumesFrom: ['other:ro'] }],
  ['tmpfs', ['/run:size=64m,noexec', '/x'], { Tmpfs: { '/run': 'size=64m,noexec', '/x': '' } }],
  ['storage-opt', ['size=10G'], { StorageOpt: { size: '10G' } }],
  [
    'device',
    ['/dev/kvm', '/dev/a:/dev/b', '/dev/a:/dev/b:r', '/dev/a:rw'],
    {
      Devices: [
        { PathOnHost: '/dev/kvm', PathInContainer: '/dev/kvm', CgroupPermissions: 'rwm' },
        { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rwm' },
        { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' },
        { PathOnHost: '/dev/a', PathInContainer: '/dev/a', CgroupPermissions: 'rw' },
      ],
    },
  ],
  [
    'device',
    ['vendor.example.org/gpu=0'],
    {
      DeviceRequests: [
        { Driver: 'cdi', Count: 0, DeviceIDs: ['vendor.example.org/gpu=0'], Capabilities: [], Options: {} },
      ],
    },
  ],
  ['device-cgroup-rule', ['c 1:3 mr', 'a *:* rwm'], { DeviceCgroupRules: ['c 1:3 mr', 'a *:* rwm'] }],
  [
    'gpus',
    ['all'],
    { DeviceRequests: [{ Driver: '', Count: -1, DeviceIDs: [], Capabilities: [['gpu']], Options: {} }] },
  ],
  ['gpus', ['2'], { DeviceRequests: [{ Driver: '', Count: 2, DeviceIDs: [], Capabilities: [['gpu']], Options: {} }] }],
  [
    'gpus',
    ['"device=0,2"'],
    { DeviceRequests: [{ Driver: '', Count: 0, DeviceIDs: ['0', '2'], Capabilities: [['gpu']], Options: {} }] },
  ],
  [
    'gpus',
    ['count=1,driver=nvidia,"capabilities=compute,utility",options=visible=true'],
    {
      DeviceRequests: [
        {
          Driver: 'nvidia',
          Count: 1,
          DeviceIDs: [],
          Capabilities: [['gpu', 'compute', 'utility']],
          Options: { visible: 'true' },
        },
      ],
    },
  ],

  [
    'ulimit',
    ['nofile=1024:2048', 'core=0', 'memlock=-1'],
    {
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 2048 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'memlock', Soft: -1, Hard: -1 },
      ],
    },
  ],
  ['pids-limit', ['100'], { PidsLimit: 100 }],
  ['pids-limit', ['100', '-1'], { PidsLimit: -1 }],
  ['cpu-shares', ['512'], { CpuShares: 512 }],
  ['cpus', ['1.5'], { NanoCpus: 1_500_000_000 }],
  ['cpu-period', ['100000'], { CpuPeriod: 100_000 }],
  ['cpu-quota', ['-1'], { CpuQuota: -1 }],
  ['cpu-rt-period', ['1000000'], { CpuRealtimePeriod: 1_000_000 }],
  ['cpu-rt-runtime', ['950000'], { CpuRealtimeRuntime: 950_000 }],
  ['cpuset-cpus', ['0-3,5'], { CpusetCpus: '0-3,5' }],
  ['cpuset-mems', ['0'], { CpusetMems: '0' }],
  ['memory-swappiness', ['0'], { MemorySwappiness: 0 }],
  ['memory-reservation', ['64m'], { MemoryReservation: 64 * MB }],
  ['kernel-memory', ['50M'], { KernelMemory: 50 * MB }],
  ['oom-kill-disable', ['true'], { OomKillDisable: true }],
  ['oom-score-adj', ['-500'], { OomScoreAdj: -500 }],
  ['shm-size', ['128m'], { ShmSize: 128 * MB }],
  ['shm-size', ['1.5g'], { ShmSize: 1536 * MB }],
  ['shm-size', ['64 MiB'], { ShmSize: 64 * MB }],
  ['shm-size', ['4096'], { ShmSize: 4096 }],
  ['blkio-weight', ['300'], { BlkioWeight: 300 }],
  ['blkio-weight-device', ['/dev/sda:200'], { BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 200 }] }],
  ['device-read-bps', ['/dev/sda:1mb'], { BlkioDeviceReadBps: [{ Path: '/dev/sda', Rate: MB }] }],
  ['device-write-bps', ['/dev/sda:1k'], { BlkioDeviceWriteBps: [{ Path: '/dev/sda', Rate: 1024 }] }],
  ['device-read-iops', ['/dev/sda:100'], { BlkioDeviceReadIOps: [{ Path: '/dev/sda', Rate: 100 }] }],
  ['device-write-iops', ['/dev/sda:100'], { BlkioDeviceWriteIOps: [{ Path: '/dev/sda', Rate: 100 }] }],

  ['runtime', ['runsc'], { Runtime: 'runsc' }],
  ['isolation', ['default'], { Isolation: 'default' }],
  ['init', ['true'], { Init: true }],
  ['ipc', ['private'], { IpcMode: 'private' }],
  ['pid', ['host'], { PidMode: 'host' }],
  ['uts', ['host'], { UTSMode: 'host' }],
  ['cgroup-parent', ['/actions'], { CgroupParent: '/actions' }],
  ['cgroupns', ['private'], { CgroupnsMode: 'private' }],
  ['sysctl', ['net.core.somaxconn=1024'], { Sysctls: { 'net.core.somaxconn': '1024' } }],
  ['annotation', ['a=b=c'], { Annotations: { a: 'b=c' } }],
  [
    'add-host',
    ['db:10.0.0.5', 'v6=[fd00::1]', 'gate:host-gateway'],
    { ExtraHosts: ['db:10.0.0.5', 'v6:fd00::1', 'gate:host-gateway'] },
  ],
  ['log-driver', ['local'], { LogConfig: { Type: 'local' } }],
  ['log-opt', ['max-size=10m', 'tag=x=y'], { LogConfig: { Config: { 'max-size': '10m', tag: 'x=y' } } }],
]

/** Those that are about the container itself. */
const PLAIN: readonly [string, readonly string[], CreateBody][] = [
  ['user', ['1000:1000'], { User: '1000:1000' }],
  ['volume', ['/cache'], { Volumes: { '/cache': {} } }],
  ['stop-signal', ['SIGINT'], { StopSignal: 'SIGINT' }],
  ['stop-timeout', ['5'], { StopTimeout: 5 }],
  ['workdir', ['/srv'], { WorkingDir: '/srv' }],
  ['env', ['A=b=c', 'EMPTY='], { Env: ['A=b=c', 'EMPTY='] }],
  ['hostname', ['h'], { Hostname: 'h' }],
  ['domainname', ['example.org'], { Domainname: 'example.org' }],
  ['mac-address', ['02:42:ac:11:00:02'], { MacAddress: '02:42:ac:11:00:02' }],
  ['label', ['team=a', 'empty', 'x=y=z'], { Labels: { team: 'a', empty: '', x: 'y=z' } }],
]

describe('extra arguments', () => {
  for (const [name, values, body] of [...HOST.map(([n, v, HostConfig]) => [n, v, { HostConfig }] as const), ...PLAIN]) {
    test(`--${name} ${values.join(' ')}`, () => {
      assert.deepEqual(readExtraArguments({ [name]: values }), body)
    })
  }

  test('every argument that is taken is in one of the tables above', () => {
    const tried = new Set([...HOST, ...PLAIN].map(([name]) => name))
    assert.deepEqual(
      EXTRA_ARGUMENTS.filter((name) => !tried.has(name)),
      [],
    )
  })

  test('short and older names, and dashes in front, are understood', () => {
    assert.deepEqual(readExtraArguments({ e: ['A=b'], '--label': ['x'], '-u': ['7'], h: ['box'], w: ['/x'] }), {
      Env: ['A=b'],
      Labels: { x: '' },
      User: '7',
      Hostname: 'box',
      WorkingDir: '/x',
    })
  })

  test('arguments that meet in one part are put together', () => {
    const body = readExtraArguments({
      'log-driver': ['json-file'],
      'log-opt': ['max-file=2'],
      gpus: ['1'],
      device: ['vendor.example.org/nic=a', '/dev/kvm'],
      volume: ['/a:/b', '/c'],
    })
    assert.deepEqual(body.HostConfig?.LogConfig, { Type: 'json-file', Config: { 'max-file': '2' } })
    assert.deepEqual(
      body.HostConfig?.DeviceRequests?.map(({ Driver }) => Driver),
      ['', 'cdi'],
    )
    assert.equal(body.HostConfig?.Devices?.length, 1)
    assert.deepEqual([body.HostConfig?.Binds, body.Volumes], [['/a:/b'], { '/c': {} }])
  })

  test('a seccomp profile is sent as its content', () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-seccomp-'))
    const file = join(directory, 'profile.json')
    writeFileSync(file, '{\n  "defaultAction": "SCMP_ACT_ERRNO"\n}\n')
    assert.deepEqual(readExtraArguments({ 'security-opt': [`seccomp=${file}`] }), {
      HostConfig: { SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ERRNO"}'] },
    })
    rmSync(directory, { recursive: true })
  })

  const WRONG: readonly [string, readonly string[], RegExp][] = [
    ['cap-dorp', ['NET_RAW'], /there is no argument cap-dorp; the nearest is cap-drop$/],
    ['pid-limit', ['5'], /there is no argument pid-limit; the nearest is pids-limit$/],
    ['something-else-entirely', ['x'], /there is no argument something-else-entirely$/],
    ['constructor', ['x'], /there is no argument constructor$/],
    ['network', ['host'], /network cannot be set: set docker\.network/],
    ['net', ['host'], /network cannot be set/],
    ['memory', ['1g'], /memory cannot be set: each action has its own/],
    ['m', ['1g'], /memory cannot be set/],
    ['publish', ['80:80'], /publish cannot be set/],
    ['rm', [], /rm cannot be set/],
    ['ulimit', ['nofile'], /ulimit: "nofile" is not of the form nofile=1024:2048/],
    ['ulimit', ['files=5'], /there is no limit files; there are .*nofile/],
    ['ulimit', ['nofile=9:5'], /soft limit above the hard one/],
    ['ulimit', ['nofile=-1:5'], /soft limit above the hard one/],
    ['pids-limit', ['many'], /pids-limit: "many" is not a whole number from -1/],
    ['cpus', ['0'], /no number of CPUs/],
    ['shm-size', ['1x'], /"1x" is no size such as 64m/],
    ['memory-swappiness', ['101'], /from -1 to 100/],
    ['blkio-weight', ['5'], /from 10 to 1000, or 0/],
    ['read-only', ['perhaps'], /neither true nor false/],
    ['security-opt', ['seccomp=/nowhere.json'], /the seccomp profile \/nowhere\.json cannot be read: ENOENT/],
    ['security-opt', ['selinux=x'], /is none of seccomp=FILE/],
    ['volume', ['./data:/data'], /relative source/],
    ['volume', ['/a:b'], /is not of the form/],
    ['mount', ['type=bind,target=/b'], /needs a source/],
    ['mount', ['type=bind,source=/a'], /needs a target/],
    ['mount', ['type=nfs,target=/b'], /unknown type nfs/],
    ['mount', ['type=bind,source=/a,target=/b,color=red'], /unknown part color/],
    ['mount', ['type=bind,source=/a,target=/b,constructor=red'], /unknown part constructor/],
    ['mount', ['type=bind,source=/a,target=/b,tmpfs-size=1m'], /tmpfs-size, which is not of type bind/],
    ['mount', ['type=tmpfs,source=/a,target=/b'], /has a source/],
    ['device', ['kvm'], /is not of the form \/dev\/host/],
    ['device', ['/dev/a:/dev/b:xyz'], /is not of the form/],
    ['device-cgroup-rule', ['x 1:3 r'], /is not of the form c 1:3 rwm/],
    ['gpus', ['count=2,device=0'], /both a count and devices/],
    ['gpus', ['color=red'], /unknown part color/],
    ['gpus', ['"device=0'], /quotation mark in the wrong place/],
    ['device-read-bps', ['sda:5'], /is not of the form \/dev\/sda:VALUE/],
    ['sysctl', ['net.core'], /is not of the form key=value/],
    ['add-host', ['db'], /is not of the form name:address/],
    ['workdir', ['srv'], /is not of the form \/home/],
    ['env', ['A'], /is not of the form NAME=value/],
    ['cpuset-cpus', ['all'], /is not of the form 0-3,5/],
    ['tmpfs', ['run'], /is not of the form/],
    ['user', [''], /a value is needed/],
  ]
  for (const [name, values, message] of WRONG) {
    test(`refused: --${name} ${values.join(' ')}`, () => {
      assert.throws(
        () => readExtraArguments({ [name]: values }),
        (error) =>
          error instanceof BadArgument && error.message.startsWith('docker.extraArgs: ') && message.test(error.message),
      )
    })
  }

  test('laid over what the platform sets, lists grow, values are replaced, and no resource limit is there twice', () => {
    const base: CreateBody = {
      Env: ['__OW_API_HOST=x'],
      HostConfig: {
        CapDrop: ['NET_RAW'],
        PidsLimit: 1024,
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': 'size=256m' },
        Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 1024 }],
      },
    }
    const extra = readExtraArguments({
      env: ['A=b'],
      'cap-drop': ['NET_ADMIN'],
      'pids-limit': ['64'],
      tmpfs: ['/run'],
      ulimit: ['nofile=99', 'core=0'],
    })
    assert.deepEqual(merge(base, extra), {
      Env: ['__OW_API_HOST=x', 'A=b'],
      HostConfig: {
        CapDrop: ['NET_RAW', 'NET_ADMIN'],
        PidsLimit: 64,
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': 'size=256m', '/run': '' },
        Ulimits: [
          { Name: 'nofile', Soft: 99, Hard: 99 },
          { Name: 'core', Soft: 0, Hard: 0 },
        ],
      },
    })
    assert.deepEqual(merge(base, {}), base)
  })

  test('another log driver does not get the options of the first, which it would refuse', () => {
    const base: CreateBody = { HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '16m' } } } }
    const logs = (given: Readonly<Record<string, readonly string[]>>): unknown =>
      merge(base, readExtraArguments(given)).HostConfig?.LogConfig
    assert.deepEqual(logs({ 'log-driver': ['journald'], 'log-opt': ['tag=a'] }), {
      Type: 'journald',
      Config: { tag: 'a' },
    })
    assert.deepEqual(logs({ 'log-driver': ['journald'] }), { Type: 'journald' })
    assert.deepEqual(logs({ 'log-opt': ['max-file=9'] }), {
      Type: 'json-file',
      Config: { 'max-size': '16m', 'max-file': '9' },
    })
  })
})
