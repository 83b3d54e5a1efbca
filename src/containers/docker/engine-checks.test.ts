import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import type { Check, CheckCode } from '../../model/check-codes.ts'
import type { EngineFacts, EngineReport, HostFacts } from './engine-checks.ts'
import { checkEngine } from './engine-checks.ts'
import { UnspokenApi } from './engine-client.ts'
import { EngineUnreachable } from './engine-transport.ts'
import { examineEngine } from './examine-engine.ts'
import { BadArgument } from './extra-arguments.ts'
import { engineFailure, startFailure, unreachable } from './unreachable-engine.ts'

const INFO: EngineFacts['info'] = {
  id: 'x',
  name: 'host',
  cpus: 2,
  memoryBytes: 8_000_000_000,
  operatingSystem: 'Debian GNU/Linux 12',
  rootDirectory: '/var/lib/docker',
  storageDriver: 'overlay2',
  cgroupDriver: 'systemd',
  cgroupVersion: '2',
  securityOptions: ['name=apparmor', 'name=seccomp,profile=default', 'name=userns'],
  liveRestore: true,
  runcCommit: 'v1.1.12-0-g51d5e946',
  warnings: [],
  containers: 0,
  images: 2,
}
const ENGINE: EngineFacts = {
  version: {
    engine: '28.2.2',
    apiVersion: '1.50',
    minApiVersion: '1.24',
    os: 'linux',
    runcCommit: 'v1.1.12-0-g51d5e946',
    runcVersion: '1.1.12',
  },
  unspoken: undefined,
  info: INFO,
  kinds: [{ kind: 'nodejs:24', image: 'stave/nodejs:local', present: true }],
  network: { place: { type: 'host' }, unreachable: undefined },
  diskUsedPercent: 40,
}
const HOST: HostFacts = {
  paths: {
    profile: 'debian',
    cgroup: '/sys/fs/cgroup',
    runc: '/run/docker/runtime-runc/moby',
    containers: '/var/lib/docker/containers',
    socket: '/var/run/docker.sock',
    runcBinary: '/usr/bin/runc',
  },
  cgroupVersion: 'v2',
  hasRuncState: true,
  hasContainers: true,
  freezer: undefined,
  runc: undefined,
  choice: { chosen: 'cgroup', unusable: new Map(), warning: undefined },
  packetFilter: 'nft',
  unfiltered: undefined,
}

interface Given {
  readonly engine?: Partial<EngineFacts> | EngineReport['engine']
  readonly info?: Partial<EngineFacts['info']>
  readonly host?: Partial<HostFacts>
  readonly settings?: Partial<EngineReport['settings']>
  readonly local?: boolean
}

function report({ engine = {}, info = {}, host = {}, settings = {}, local = true }: Given = {}): EngineReport {
  return {
    address: 'unix:///var/run/docker.sock',
    local,
    engine: 'message' in engine ? engine : { ...ENGINE, ...engine, info: { ...INFO, ...info } },
    host: { ...HOST, ...host },
    settings: {
      pullPolicy: 'openwhisk',
      imageHighWaterPercent: 85,
      certPath: '',
      missingCertificates: [],
      extraArgs: undefined,
      ...settings,
    },
  }
}

const others = (given?: Given): readonly Check[] => checkEngine(report(given)).filter(({ state }) => state !== 'ok')

test('an engine and a host that have everything are told to have it', () => {
  const checks = checkEngine(report())
  assert.deepEqual(others(), [])
  assert.deepEqual(
    checks.map(({ code }) => Number(code.slice(2))),
    [101, 102, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116],
  )
})

const FINDINGS: readonly [CheckCode, Check['state'], Given, RegExp][] = [
  ['OW102', 'problem', { engine: { unspoken: 'speaks version 1.30 at most' } }, /speaks version 1\.30/],
  ['OW103', 'problem', { engine: { version: { ...ENGINE.version, os: 'windows' } } }, /switch it to Linux containers/],
  [
    'OW104',
    'note',
    { engine: { kinds: ['a', 'b', 'c', 'd', 'e'].map((kind) => ({ kind, image: `i/${kind}`, present: false })) } },
    /pulled at the first call of their kind: a \(i\/a\), b \(i\/b\), c \(i\/c\) and 2 more.*npm run images:local/,
  ],
  [
    'OW104',
    'problem',
    { engine: { kinds: [{ kind: 'a', image: 'i', present: false }] }, settings: { pullPolicy: 'never' } },
    /missing and are not pulled: a \(i\).*docker\.pullPolicy/,
  ],
  [
    'OW104',
    'note',
    {
      engine: { kinds: [...ENGINE.kinds, { kind: 'a', image: 'i', present: false }] },
      settings: { pullPolicy: 'never' },
    },
    /missing and are not pulled/,
  ],
  [
    'OW105',
    'note',
    { host: { cgroupVersion: 'none' } },
    /path \/sys\/fs\/cgroup missing, set docker\.paths\.cgroup.*docker\.hostProfile is debian/,
  ],
  ['OW106', 'note', { host: { freezer: 'freezer.state may not be written' } }, /may not be written/],
  [
    'OW107',
    'note',
    { host: { runc: 'the runc of this host is 1.0' } },
    /the runc of this host is 1\.0.*INVOKER_USE_RUNC/,
  ],
  [
    'OW108',
    'note',
    { host: { hasRuncState: false } },
    /path \/run\/docker\/runtime-runc\/moby missing, set docker\.paths\.runc/,
  ],
  [
    'OW109',
    'note',
    { host: { hasContainers: false }, info: { rootDirectory: '/data/docker' } },
    /path \/var\/lib\/docker\/containers missing, set docker\.paths\.containers.*has them in \/data\/docker\/containers/,
  ],
  [
    'OW110',
    'note',
    { host: { choice: { chosen: 'docker', unusable: new Map(), warning: 'cannot be suspended by runc here' } } },
    /cannot be suspended by runc/,
  ],
  [
    'OW110',
    'note',
    { host: { choice: { chosen: 'none', unusable: new Map(), warning: undefined } } },
    /not suspended.*docker\.pause: auto/,
  ],
  [
    'OW111',
    'note',
    { info: { warnings: ['WARNING: bridge-nf-call-iptables is disabled', 'WARNING: IPv4 forwarding is disabled'] } },
    /bridge-nf-call-iptables is disabled; IPv4 forwarding is disabled.*sysctl/,
  ],
  ['OW111', 'note', { host: { unfiltered: 'only root can' } }, /all ports of this host: only root can.*NET_ADMIN/],
  [
    'OW111',
    'problem',
    { engine: { network: { place: { type: 'outside' }, unreachable: 'no way' } } },
    /^no way undefined$/,
  ],
  [
    'OW111',
    'note',
    { engine: { network: { place: { type: 'member', address: '10.0.0.2' }, unreachable: undefined } } },
    /the platform is one of them/,
  ],
  ['OW111', 'note', { local: false }, /which is another one/],
  ['OW112', 'note', { info: { securityOptions: ['name=userns'] } }, /does not filter system calls/],
  ['OW113', 'note', { info: { securityOptions: ['name=seccomp'] } }, /is root on the host.*userns-remap/],
  ['OW114', 'note', { info: { liveRestore: false } }, /"live-restore": true/],
  ['OW115', 'note', { engine: { diskUsedPercent: 85 } }, /85 % full: unused images are removed/],
  ['OW115', 'note', { engine: { diskUsedPercent: undefined } }, /cannot be seen from here/],
  ['OW116', 'note', { info: { warnings: ['WARNING: No swap limit support'] } }, /No swap limit support.*swapaccount/],
  ['OW116', 'problem', { info: { warnings: ['WARNING: No memory limit support'] } }, /cgroup_enable=memory/],
  [
    'OW117',
    'problem',
    { settings: { extraArgs: 'docker.extraArgs: there is no argument x' } },
    /there is no argument x/,
  ],
  ['OW118', 'note', { settings: { certPath: '/certs', missingCertificates: ['key.pem'] } }, /\/certs has no key\.pem/],
]
for (const [code, state, given, text] of FINDINGS) {
  test(`S1-7, S0-29: ${code} is a ${state}: ${text.source}`, () => {
    const found = others(given)
    assert.deepEqual(
      found.map((check) => [check.code, check.state]),
      [[code, state]],
    )
    assert.match(`${found[0]?.text} ${found[0]?.remedy}`, text)
  })
}

test('of an engine on another host, this host’s paths are not looked at', () => {
  const codes = checkEngine(report({ local: false })).map(({ code }) => code)
  assert.deepEqual(
    ['OW105', 'OW106', 'OW107', 'OW108', 'OW109'].filter((code) => codes.some((found) => found === code)),
    [],
  )
})

describe('an engine that cannot be spoken to', () => {
  const REASONS: readonly [string | undefined, CheckCode, RegExp][] = [
    [
      'ENOENT',
      'OW101',
      /is not there.*install and start Docker; set docker\.host \(DOCKER_HOST\), or docker\.paths\.socket/,
    ],
    ['ECONNREFUSED', 'OW101', /nothing listens there.*start Docker/],
    ['EACCES', 'OW101', /may not be used by this user.*group docker/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'OW118', /do not trust each other.*docker\.certPath needs the ca\.pem/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'OW118', /do not trust each other/],
    [undefined, 'OW101', /does not answer: hung up.*look at its log/],
  ]
  for (const [code, expected, text] of REASONS) {
    test(`${expected}: ${code ?? 'for a reason of its own'}`, () => {
      const found = others({ engine: { code, message: 'hung up' } })
      assert.equal(found.length, 1)
      assert.deepEqual([found[0]?.code, found[0]?.state], [expected, 'problem'])
      assert.match(`${found[0]?.text} ${found[0]?.remedy}`, text)
    })
  }

  test('the system’s code is found below what the libraries make of it', () => {
    const socket = Object.assign(new Error('connect ENOENT /x'), { code: 'ENOENT' })
    const wrapped = new Error('the engine is away', { cause: new Error('inner', { cause: socket }) })
    assert.deepEqual(engineFailure(wrapped), { code: 'ENOENT', message: 'the engine is away' })
    assert.deepEqual(engineFailure('text'), { code: undefined, message: 'text' })
  })

  test('S1-7: what ends a start has its code behind it', () => {
    const message = (error: unknown): string => String(startFailure('tcp://10.0.0.1:2376', error))
    const away = new EngineUnreachable('the Docker Engine at tcp://10.0.0.1:2376 does not answer GET /version: late')
    assert.match(message(away), /does not answer GET \/version: late: set docker\.host.* \(OW101\)$/)
    assert.match(message(new UnspokenApi('too old')), /too old \(OW102\)$/)
    assert.match(message(new BadArgument('no argument')), /no argument \(OW117\)$/)
    const other = new Error('something else')
    assert.equal(startFailure('x', other), other)
    assert.equal(unreachable('tcp://x', { code: undefined, message: 'm' }).remedy?.startsWith('set docker.host'), true)
  })
})

async function config(env: Readonly<Record<string, string>>): Promise<Config> {
  const readFile = (): string => assert.fail('nothing names a file')
  return (await loadConfig({ env, flags: {}, homedir: '/home/ada', cwd: '/srv', readFile })).config
}

describe('the facts', () => {
  test('of an engine that is not there, or refuses, are its reasons', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-engine-'))
    const gone = await examineEngine(await config({ DOCKER_HOST: `unix://${directory}/docker.sock` }))
    assert.equal('version' in gone.engine ? '' : gone.engine.code, 'ENOENT')
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    server.close()
    const closed = await examineEngine(await config({ DOCKER_HOST: `tcp://127.0.0.1:${port}` }))
    assert.equal('version' in closed.engine ? '' : closed.engine.code, 'ECONNREFUSED')
    assert.equal(closed.local, false)
    rmSync(directory, { recursive: true })
  })

  test('of an engine that answers nonsense are that it does; arguments and certificates are looked at all the same', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const found = await examineEngine(
      await config({
        DOCKER_HOST: `http://127.0.0.1:${port}`,
        STAVE_DOCKER_CERT_PATH: '/nowhere',
        STAVE_DOCKER_EXTRA_ARGS: '{"cap-dorp": ["ALL"]}',
      }),
    )
    server.close()
    assert.match('message' in found.engine ? found.engine.message : '', /cannot be read/)
    assert.deepEqual(found.settings.missingCertificates, ['ca.pem', 'cert.pem', 'key.pem'])
    assert.match(found.settings.extraArgs ?? '', /nearest is cap-drop/)
    assert.deepEqual(
      checkEngine(found).map(({ code }) => code),
      ['OW117', 'OW118', 'OW101'],
    )
  })
})
