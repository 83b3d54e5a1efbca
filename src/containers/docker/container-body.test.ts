import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dockerSettings } from '../../../test/docker-settings.ts'
import type { ContainerId } from '../../model/ids.ts'
import type { ContainerSpec } from '../container-factory.ts'
import type { ContainerPlace } from './container-body.ts'
import { containerBody, containerName } from './container-body.ts'
import type { DockerFactorySettings } from './settings.ts'

const spec: ContainerSpec = {
  id: 'c1' as ContainerId,
  kind: 'nodejs:24',
  image: 'team/node:1',
  memoryMb: 256,
  cpuMilli: 0,
  concurrent: false,
  labels: { 'stave-action-key': 'guest:guest/pkg/hello@7-abc', 'stave-epoch': '3' },
}
const place: ContainerPlace = {
  image: 'registry.example.org/team/node:1',
  readOnlyRoot: true,
  networkName: 'stave',
  init: true,
  publishedOn: undefined,
  apiHost: 'http://10.0.0.1:3233',
  capacity: { memoryMb: 1024, cpuMilli: 4000 },
}
const settings: DockerFactorySettings = {
  ...dockerSettings,
  extraEnv: ['PROXY=http://proxy'],
  openFiles: 1000,
  processes: 99,
}

type Body = Record<string, unknown> & { readonly HostConfig: Record<string, unknown> }

function body(
  changes: {
    readonly spec?: Partial<ContainerSpec>
    readonly place?: Partial<ContainerPlace>
    readonly settings?: Partial<DockerFactorySettings>
  } = {},
): Body {
  return containerBody(
    { ...spec, ...changes.spec },
    { ...place, ...changes.place },
    { ...settings, ...changes.settings },
  ) as Body
}

describe('body of a container', () => {
  test('bounds memory without swap, processes and files', () => {
    const { HostConfig } = body()
    assert.equal(HostConfig['Memory'], 256 * 1024 * 1024)
    assert.equal(HostConfig['MemorySwap'], HostConfig['Memory'])
    assert.equal(HostConfig['PidsLimit'], 99)
    assert.deepEqual(HostConfig['Ulimits'], [{ Name: 'nofile', Soft: 1000, Hard: 1000 }])
  })

  test('has no capability and gains none', () => {
    const { HostConfig } = body()
    assert.deepEqual(HostConfig['CapDrop'], ['ALL'])
    assert.deepEqual(HostConfig['SecurityOpt'], ['no-new-privileges'])
  })

  test('the root is read-only, with a bounded /tmp, for images that allow it', () => {
    assert.equal(body().HostConfig['ReadonlyRootfs'], true)
    assert.deepEqual(body().HostConfig['Tmpfs'], { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=64m' })
    assert.equal(body({ place: { readOnlyRoot: false } }).HostConfig['ReadonlyRootfs'], undefined)
  })

  test('processor time follows the memory, or what the action asks for; as a weight or a ceiling', () => {
    assert.equal(body().HostConfig['CpuShares'], 256)
    assert.equal(body({ spec: { cpuMilli: 2000 } }).HostConfig['CpuShares'], 512)
    assert.equal(body({ spec: { memoryMb: 1 } }).HostConfig['CpuShares'], 2)
    const quota = body({ settings: { cpuLimit: 'quota' } }).HostConfig
    assert.equal(quota['NanoCpus'], 1_000_000_000)
    assert.equal(quota['CpuShares'], undefined)
  })

  test('the environment has the API, and whether runs may overlap, behind what is configured', () => {
    assert.deepEqual(body()['Env'], ['PROXY=http://proxy', '__OW_API_HOST=http://10.0.0.1:3233'])
    const concurrent = body({ spec: { concurrent: true } })['Env']
    assert.ok(Array.isArray(concurrent) && concurrent.includes('__OW_ALLOW_CONCURRENT=true'))
  })

  test('labels tell whose it is; those of the pool may be longer than the engine’s users expect', () => {
    assert.deepEqual(body()['Labels'], {
      'org.stave.instance': '0123456789abcdef',
      'org.stave.container': 'c1',
      'org.stave.labels': JSON.stringify(spec.labels),
    })
  })

  test('a published runtime gets a port of the engine’s choice', () => {
    for (const address of ['', '127.0.0.1']) {
      const published = body({ place: { publishedOn: address } })
      assert.deepEqual(published['ExposedPorts'], { '8080/tcp': {} })
      assert.deepEqual(published.HostConfig['PortBindings'], { '8080/tcp': [{ HostIp: address, HostPort: '' }] })
    }
    assert.equal(body().HostConfig['PortBindings'], undefined)
  })

  test('extra arguments add to what bounds it or win over it, and take nothing of it away', () => {
    const extra = {
      Env: ['MORE=1'],
      Labels: { team: 'x', 'org.stave.instance': 'another' },
      User: '5',
      HostConfig: {
        CapDrop: ['NET_RAW'],
        SecurityOpt: ['apparmor=mine'],
        Tmpfs: { '/run': '' },
        PidsLimit: 9,
        Init: false,
      },
    }
    const changed = body({ settings: { extra } })
    assert.deepEqual(changed.HostConfig['CapDrop'], ['ALL', 'NET_RAW'])
    assert.deepEqual(changed.HostConfig['SecurityOpt'], ['no-new-privileges', 'apparmor=mine'])
    assert.equal(changed.HostConfig['PidsLimit'], 9)
    assert.equal(changed.HostConfig['Init'], false)
    assert.equal(changed['User'], '5')
    assert.deepEqual(changed['Env'], ['PROXY=http://proxy', '__OW_API_HOST=http://10.0.0.1:3233', 'MORE=1'])
    assert.equal((changed['Labels'] as Record<string, string>)['org.stave.instance'], '0123456789abcdef')
    assert.equal((changed['Labels'] as Record<string, string>)['team'], 'x')
  })

  test('DNS settings are those of the configuration', () => {
    const { HostConfig } = body({
      settings: { dns: ['10.0.0.2'], dnsSearch: ['example.org'], dnsOptions: ['ndots:1'] },
    })
    assert.deepEqual(
      [HostConfig['Dns'], HostConfig['DnsSearch'], HostConfig['DnsOptions']],
      [['10.0.0.2'], ['example.org'], ['ndots:1']],
    )
    assert.equal(body().HostConfig['Dns'], undefined)
    const closed = containerBody(spec, place, { ...settings, network: 'none' })
    assert.deepEqual(closed.HostConfig?.Dns, ['192.0.2.1'], 'the engine must not ask the host’s resolver for it')
  })
})

test('a name tells what the container is for, in characters that the engine takes', () => {
  assert.equal(containerName(settings, 'k3', spec), 'wsk_01234567_k3_nodejs_24')
  assert.equal(containerName(settings, 'k3', { ...spec, labels: {} }), 'wsk_01234567_k3_prewarm_nodejs_24')
  const long = { ...spec, labels: { 'stave-action-key': `guest:${'ü'.repeat(300)}` } }
  assert.match(containerName(settings, 'k3', long), /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/)
})
