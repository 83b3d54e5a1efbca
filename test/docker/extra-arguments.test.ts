/** Extra arguments on a real engine: a container that is given them starts, and the engine says of it what was asked for. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CreateBody } from '../../src/containers/docker/create-body.ts'
import { merge, readExtraArguments } from '../../src/containers/docker/extra-arguments.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'
import { NODEJS_IMAGE } from './test-images.ts'

interface Inspection {
  readonly State: { readonly Running: boolean }
  readonly Config: Readonly<Record<string, unknown>>
  readonly HostConfig: Readonly<Record<string, unknown>>
}

/** What the platform sets, as far as it matters here. */
const OWN: CreateBody = {
  HostConfig: {
    NetworkMode: 'none',
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 1024 }],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '16m', 'max-file': '2' } },
  },
}

async function startWith(given: Readonly<Record<string, readonly string[]>>): Promise<Inspection> {
  const body = merge({ Image: NODEJS_IMAGE, ...OWN }, readExtraArguments(given))
  const { Id } = (await needEngine(dockerHost, 'POST', '/containers/create', body)).json() as { Id: string }
  try {
    await needEngine(dockerHost, 'POST', `/containers/${Id}/start`)
    return (await needEngine(dockerHost, 'GET', `/containers/${Id}/json`)).json() as Inspection
  } finally {
    await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1&v=1`)
  }
}

/** Names that the engine gives the same thing when it tells of it. */
const GIVEN: readonly [string, readonly string[], 'Config' | 'HostConfig', string, unknown][] = [
  ['cap-add', ['NET_BIND_SERVICE'], 'HostConfig', 'CapAdd', ['NET_BIND_SERVICE']],
  ['security-opt', ['seccomp=unconfined'], 'HostConfig', 'SecurityOpt', ['no-new-privileges', 'seccomp=unconfined']],
  ['user', ['1234:1234'], 'Config', 'User', '1234:1234'],
  ['group-add', ['1001'], 'HostConfig', 'GroupAdd', ['1001']],
  ['read-only', ['true'], 'HostConfig', 'ReadonlyRootfs', true],
  ['tmpfs', ['/run:size=1m'], 'HostConfig', 'Tmpfs', { '/run': 'size=1m' }],
  ['volume', ['/etc/hostname:/host-name:ro'], 'HostConfig', 'Binds', ['/etc/hostname:/host-name:ro']],
  [
    'mount',
    ['type=bind,source=/etc,target=/host-etc,readonly'],
    'HostConfig',
    'Mounts',
    [{ Type: 'bind', Source: '/etc', Target: '/host-etc', ReadOnly: true }],
  ],
  [
    'device',
    ['/dev/null:/dev/nothing:r'],
    'HostConfig',
    'Devices',
    [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'r' }],
  ],
  ['device-cgroup-rule', ['c 1:3 r'], 'HostConfig', 'DeviceCgroupRules', ['c 1:3 r']],
  [
    'ulimit',
    ['nofile=512', 'core=0'],
    'HostConfig',
    'Ulimits',
    [
      { Name: 'nofile', Soft: 512, Hard: 512 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
  ],
  ['pids-limit', ['64'], 'HostConfig', 'PidsLimit', 64],
  ['cpus', ['0.5'], 'HostConfig', 'NanoCpus', 500_000_000],
  ['cpu-shares', ['256'], 'HostConfig', 'CpuShares', 256],
  ['cpuset-cpus', ['0'], 'HostConfig', 'CpusetCpus', '0'],
  ['memory-swappiness', ['0'], 'HostConfig', 'MemorySwappiness', 0],
  ['memory-reservation', ['32m'], 'HostConfig', 'MemoryReservation', 33_554_432],
  ['shm-size', ['1m'], 'HostConfig', 'ShmSize', 1_048_576],
  ['oom-score-adj', ['500'], 'HostConfig', 'OomScoreAdj', 500],
  ['init', [], 'HostConfig', 'Init', true],
  ['ipc', ['private'], 'HostConfig', 'IpcMode', 'private'],
  ['runtime', ['runc'], 'HostConfig', 'Runtime', 'runc'],
  [
    'sysctl',
    ['net.ipv4.ip_unprivileged_port_start=0'],
    'HostConfig',
    'Sysctls',
    { 'net.ipv4.ip_unprivileged_port_start': '0' },
  ],
  ['stop-signal', ['SIGINT'], 'Config', 'StopSignal', 'SIGINT'],
  ['workdir', ['/tmp'], 'Config', 'WorkingDir', '/tmp'],
  ['hostname', ['box'], 'Config', 'Hostname', 'box'],
  ['add-host', ['db=10.0.0.5'], 'HostConfig', 'ExtraHosts', ['db:10.0.0.5']],
  [
    'log-opt',
    ['max-file=3'],
    'HostConfig',
    'LogConfig',
    { Type: 'json-file', Config: { 'max-file': '3', 'max-size': '16m' } },
  ],
  ['log-driver', ['local'], 'HostConfig', 'LogConfig', { Type: 'local', Config: {} }],
]
for (const [name, values, part, member, expected] of GIVEN) {
  test(`--${name} ${values.join(' ')}`, { skip: skipWithoutEngine }, async () => {
    const found = await startWith({ [name]: values })
    assert.equal(found.State.Running, true)
    assert.deepEqual(found[part][member], expected)
  })
}

test('all of them at once are a container, too', { skip: skipWithoutEngine }, async () => {
  // Another driver would drop the options of logs that are looked for.
  const together = GIVEN.filter(([name]) => name !== 'log-driver')
  const found = await startWith({
    ...Object.fromEntries(together.map(([name, values]) => [name, values])),
    env: ['A=b'],
    label: ['team=x'],
  })
  assert.equal(found.State.Running, true)
  for (const [, , part, member, expected] of together) assert.deepEqual(found[part][member], expected, member)
})
