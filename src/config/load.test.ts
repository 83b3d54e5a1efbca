import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Field } from './field.ts'
import { KEYS } from './keys.ts'
import type { Key } from './keys.ts'
import { systemLimits } from './limits.ts'
import { ConfigError, loadConfig } from './load.ts'
import type { LoadedConfig } from './load.ts'
import { configJson, configRows, valueAt } from './print.ts'
import type { Environment } from './setting.ts'
import { FLAGS } from './sources/flags.ts'
import type { FlagValues } from './sources/flags.ts'

interface Given {
  readonly env?: Environment
  readonly flags?: FlagValues
  readonly files?: Readonly<Record<string, string>>
}

function load({ env = {}, flags = {}, files = {} }: Given = {}): Promise<LoadedConfig> {
  return loadConfig({
    env,
    flags,
    homedir: '/home/ada',
    cwd: '/srv',
    readFile(path) {
      const content = files[path]
      if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
      return content
    },
  })
}

async function problemsOf(given: Given): Promise<readonly string[]> {
  try {
    await load(given)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  return assert.fail('the configuration was accepted')
}

/** Any value that fits the field by itself and is not its default, as it would be written in a variable. */
function otherValue(field: Field<unknown>, name: string): fc.Arbitrary<unknown> {
  const { form } = field
  switch (form.type) {
    case 'integer':
      // Near the default as well, where rules between keys leave some room.
      return fc.oneof(
        fc.integer({ min: form.min, max: Math.min(form.max, form.min + 1_000_000) }),
        fc.integer({
          min: Math.max(form.min, Number(field.default) - 20),
          max: Math.min(form.max, Number(field.default) + 20),
        }),
      )
    case 'flag':
      return fc.boolean()
    case 'choice':
      return fc.constantFrom(...form.choices)
    case 'amounts':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.nat(), { noNullPrototype: true })
    case 'paths':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}:[0-9]{1,3}$/), fc.stringMatching(/^\/[a-z/]{1,20}$/), {
        noNullPrototype: true,
      })
    case 'list':
      return fc.array(fc.constantFrom(...(SAMPLES[name] ?? assert.fail(`no sample items for ${name}`))))
    case 'lists':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.array(fc.stringMatching(/^[ -~]{0,9}$/)), {
        noNullPrototype: true,
      })
    case 'text':
    case 'path':
      break
  }
  return fc.constantFrom(...(SAMPLES[name] ?? assert.fail(`no sample values for ${name}`)))
}

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  host: ['0.0.0.0', '::', 'stave.example.org'],
  nodeName: ['worker-1', 'ip-10-0-0-1.ec2.internal'],
  dataDir: ['/var/lib/stave', '/data'],
  'containers.provider': ['docker', 'kubernetes', 'invokers', '/opt/factory.js', '@acme/factory'],
  'containers.apiHost': ['https://api.example.org', 'http://10.0.0.1:3233'],
  'entitlement.provider': ['/opt/rights.js', '@acme/rights', 'file:///opt/rights.js'],
  'runtimes.manifest': ['/etc/runtimes.json', '{"runtimes":{}}'],
  'invokers.listen': ['0.0.0.0:3234', '[::1]:0'],
  'invokers.url': ['ws://10.0.0.1:3234', 'wss://fleet.example.org'],
  'invokers.token': ['0123456789abcdef', 'a much longer secret than that'],
  'internal.listen': ['0.0.0.0:7000', '[::1]:7000', 'node-1:7000'],
  'parameterStorage.aes256': [
    `2026:${Buffer.alloc(32, 1).toString('base64')}`,
    `${Buffer.alloc(32, 2).toString('base64')},old:${Buffer.alloc(32, 3).toString('base64')}`,
  ],
  'parameterStorage.aes128': [Buffer.alloc(16, 1).toString('base64')],
  'http.webDomain': ['example.org', 'localhost', 'a-b.web.example.org'],
  'docker.host': ['unix:///run/user/1000/docker.sock', 'tcp://10.0.0.1:2376', 'https://engine.example.org'],
  'docker.certPath': ['/etc/docker/certs'],
  'docker.network': ['bridge', 'actions_1'],
  'docker.dns': ['10.0.0.2', 'fd00::1'],
  'docker.dnsSearch': ['example.org', 'internal'],
  'docker.dnsOptions': ['ndots:1', 'rotate'],
  'docker.extraEnv': ['HTTP_PROXY=http://proxy:3128', 'EMPTY=', 'LIST=a,b'],
  'docker.runtimesRegistry': ['registry.example.org:5000', 'mirror/team'],
  'docker.userImagesRegistry': ['registry.example.org/team'],
  'docker.authFile': ['/etc/stave/registries.json'],
  'docker.localImagePrefix': ['local'],
  'docker.namePrefix': ['stave', 'wsk0_'],
  'docker.paths.cgroup': ['/host/cgroup'],
  'docker.paths.runc': ['/run/runc'],
  'docker.paths.containers': ['/data/docker/containers'],
  'docker.paths.socket': ['/run/user/1000/docker.sock'],
  'docker.paths.runcBinary': ['/opt/runc'],
  'controller.username': ['ops'],
  'controller.password': ['a password'],
  'internal.token': ['0123456789abcdef', 'a much longer secret than that'],
}

/** A choice of one thing has no other value. */
const differs = (key: Key) => (value: unknown) =>
  (key.field.form.type === 'choice' && key.field.form.choices.length === 1) ||
  JSON.stringify(value) !== JSON.stringify(key.field.default)

test('S3-8, S3-49: without any configuration the defaults hold', async () => {
  const { config, origins, warnings } = await load()
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.port, 3233)
  assert.equal(config.dataDir, '/home/ada/.stave')
  assert.equal(config.containers.provider, 'process')
  assert.deepEqual(warnings, [])
  assert.equal(origins.size, KEYS.length)
  assert.ok([...origins.values()].every((origin) => origin.source === 'default'))
  assert.ok(Object.isFrozen(config.limits.timeout))
})

for (const key of KEYS) {
  test(`S3-7: ${key.name} can be changed by ${key.variable}, by its file and by --${key.flag}`, async () => {
    await fc.assert(
      fc.asyncProperty(otherValue(key.field, key.name).filter(differs(key)), async (value) => {
        const written = typeof value === 'string' ? value : JSON.stringify(value)
        const ways: readonly Given[] = [
          { env: { [key.variable]: written } },
          { env: { [`${key.variable}_FILE`]: '/secret' }, files: { '/secret': `${written}\n` } },
          { flags: { [key.flag]: written } },
        ]
        for (const given of ways) {
          // Rules between keys may refuse a value that is sound by itself; the message then names the key and the value is not at fault.
          const outcome = await load(given).catch((error: unknown) => error)
          if (outcome instanceof ConfigError) {
            assert.ok(
              outcome.problems.every((problem) => !problem.includes('(from')),
              outcome.message,
            )
            continue
          }
          const loaded = outcome as LoadedConfig
          assert.deepEqual(valueAt(loaded.config, key.name), value)
          assert.notEqual(loaded.origins.get(key.name)?.source, 'default')
        }
      }),
      { numRuns: 20 },
    )
  })
}

test('S3-7: every key has a value that only its variable brings about, rules between keys included', async () => {
  const company: Readonly<Record<string, Environment>> = {
    'internal.listen': { STAVE_INTERNAL_TOKEN: '0123456789abcdef' },
    'containers.provider': { STAVE_INVOKERS_TOKEN: '0123456789abcdef' },
    'limits.concurrency.min': { STAVE_LIMITS_CONCURRENCY_STD: '500' },
    'containers.memoryMb': { STAVE_LIMITS_MEMORY_MAX: '256' },
  }
  for (const key of KEYS) {
    const sample = fc.sample(otherValue(key.field, key.name).filter(differs(key)), { numRuns: 200, seed: 7 })
    let changed = false
    for (const value of sample) {
      const written = typeof value === 'string' ? value : JSON.stringify(value)
      const outcome = await load({ env: { ...company[key.name], [key.variable]: written } }).catch(() => undefined)
      if (outcome === undefined) continue
      assert.deepEqual(valueAt(outcome.config, key.name), value)
      changed = true
      break
    }
    assert.ok(changed, `no value of ${key.name} was accepted`)
  }
})

test('S3-7: an empty variable, and one whose _FILE is empty, is unset', async () => {
  assert.equal((await load({ env: { STAVE_PORT: '', STAVE_HOST: ' ' } })).config.port, 3233)
  const { config, warnings } = await load({ env: { STAVE_PORT_FILE: '/empty' }, files: { '/empty': '\n' } })
  assert.equal(config.port, 3233)
  assert.match(warnings.join(), /STAVE_PORT_FILE names an empty file/)
})

test('S3-7: a variable and its _FILE together, and a _FILE that is not there, are errors', async () => {
  assert.match(
    (await problemsOf({ env: { STAVE_PORT: '1', STAVE_PORT_FILE: '/x' } })).join(),
    /STAVE_PORT_FILE and STAVE_PORT are both set/,
  )
  assert.match((await problemsOf({ env: { STAVE_PORT_FILE: '/gone' } })).join(), /STAVE_PORT_FILE .*ENOENT.*\/gone/)
})

test('later sources win: file, CONFIG_whisk_, STAVE_, flags', async () => {
  const files = { '/etc/stave.yaml': 'limits:\n  memory: { max: 1000 }\n' }
  const layers: readonly [Given, number, string][] = [
    [{ flags: { config: '/etc/stave.yaml' } }, 1000, 'file'],
    [{ env: { CONFIG_whisk_memory_max: '1001 m' } }, 1001, 'openwhisk'],
    [{ env: { STAVE_LIMITS_MEMORY_MAX: '1002' } }, 1002, 'environment'],
    [{ flags: { limitsMemoryMax: '1003' } }, 1003, 'flag'],
  ]
  const env: Record<string, string | undefined> = {}
  const flags: Record<string, string | boolean | undefined> = {}
  for (const [given, value, source] of layers) {
    Object.assign(env, given.env)
    Object.assign(flags, given.flags)
    const loaded = await load({ env, flags, files })
    assert.equal(loaded.config.limits.memory.max, value)
    assert.equal(loaded.origins.get('limits.memory.max')?.source, source)
  }
})

test('the file is found by STAVE_CONFIG, relative to the working directory, and may be JSON or empty', async () => {
  const json = await load({
    env: { STAVE_CONFIG: 'my.json' },
    files: { '/srv/my.json': '{"http":{"maxConnections":5}}' },
  })
  assert.equal(json.config.http.maxConnections, 5)
  assert.deepEqual(json.origins.get('http.maxConnections'), { source: 'file', name: '/srv/my.json' })
  await load({ flags: { config: '~/e.yaml' }, files: { '/home/ada/e.yaml': '# nothing\n' } })
})

test('S3-7: objects are JSON in variables and plain in the file', async () => {
  const fromEnv = await load({ env: { STAVE_CONTAINERS_STEM_CELLS: '{"nodejs": 4}' } })
  assert.deepEqual(fromEnv.config.containers.stemCells, { nodejs: 4 })
  const fromFile = await load({ flags: { config: '/f' }, files: { '/f': 'containers: { stemCells: { python: 3 } }' } })
  assert.deepEqual(fromFile.config.containers.stemCells, { python: 3 })
})

test('lists have commas or are JSON in variables, and may be a single text in the file', async () => {
  const fromEnv = await load({
    env: { STAVE_DOCKER_DNS: '10.0.0.2, 10.0.0.3,', STAVE_DOCKER_EXTRA_ENV: '["LIST=a,b", "B="]' },
  })
  assert.deepEqual(fromEnv.config.docker.dns, ['10.0.0.2', '10.0.0.3'])
  assert.deepEqual(fromEnv.config.docker.extraEnv, ['LIST=a,b', 'B='])
  const file =
    'docker: { dnsSearch: example.org, dnsOptions: [rotate], extraArgs: { pids-limit: 100, ulimit: [a=1, 2, true] } }'
  const fromFile = await load({ flags: { config: '/f' }, files: { '/f': file } })
  assert.deepEqual(fromFile.config.docker.dnsSearch, ['example.org'])
  assert.deepEqual(fromFile.config.docker.dnsOptions, ['rotate'])
  assert.deepEqual(fromFile.config.docker.extraArgs, { 'pids-limit': ['100'], ulimit: ['a=1', '2', 'true'] })
})

test('a list whose items do not fit is an error that shows the item', async () => {
  const problems = await problemsOf({
    env: {
      STAVE_DOCKER_EXTRA_ENV: 'LIST=a,b',
      STAVE_DOCKER_DNS: '[',
      STAVE_DOCKER_EXTRA_ARGS: '{"CAP": []}',
      STAVE_DOCKER_RUNTIMES_REGISTRY: 'https://registry.example.org',
    },
  })
  assert.deepEqual(problems, [
    'docker.extraEnv (from STAVE_DOCKER_EXTRA_ENV) must hold texts such as NAME=value, not "b".',
    'docker.dns (from STAVE_DOCKER_DNS) must be a list of texts, for example a,b or ["a", "b"] (it is not JSON).',
    'docker.extraArgs (from STAVE_DOCKER_EXTRA_ARGS) has a name that is not allowed: "CAP".',
    'docker.runtimesRegistry (from STAVE_DOCKER_RUNTIMES_REGISTRY) must be a registry without a scheme, such as registry.example.org/team.',
  ])
})

test('the Docker client’s variables name the engine where nothing else does', async () => {
  const client = { DOCKER_HOST: 'tcp://10.0.0.9:2376', DOCKER_CERT_PATH: '/certs', DOCKER_TLS_VERIFY: '1' }
  const found = await load({ env: client })
  assert.equal(found.config.docker.host, 'tcp://10.0.0.9:2376')
  assert.equal(found.config.docker.certPath, '/certs')
  assert.equal(found.config.docker.tlsVerify, true)
  assert.deepEqual(found.origins.get('docker.host'), { source: 'environment', name: 'DOCKER_HOST' })
  const file = { flags: { config: '/f' }, files: { '/f': 'docker: { host: "unix:///x.sock", tlsVerify: false }' } }
  const fromFile = await load({ env: { DOCKER_HOST: 'tcp://10.0.0.9:2376' }, ...file })
  assert.equal(fromFile.config.docker.host, 'unix:///x.sock')
  assert.equal(fromFile.config.docker.tlsVerify, false)
  // Docker’s client is the same for all work of a user: what it cannot share with us stops us only where Docker makes the containers.
  assert.equal((await load({ env: { DOCKER_HOST: 'ssh://ada@far' } })).config.docker.host, 'ssh://ada@far')
})

test('an engine that certificates are given for has to show one of its own, unless it is said that it need not', async () => {
  assert.equal((await load()).config.docker.tlsVerify, false)
  assert.equal((await load({ env: { STAVE_DOCKER_CERT_PATH: '/certs' } })).config.docker.tlsVerify, true)
  const env = { STAVE_DOCKER_CERT_PATH: '/certs', STAVE_DOCKER_TLS_VERIFY: 'false' }
  assert.equal((await load({ env })).config.docker.tlsVerify, false)
})

test('S0-30: the socket’s path alone names the engine, also where DOCKER_HOST is set', async () => {
  const env = { STAVE_DOCKER_PATHS_SOCKET: '/host/docker.sock', DOCKER_HOST: 'tcp://10.0.0.9:2376' }
  const { config, origins } = await load({ env })
  assert.equal(config.docker.host, 'unix:///host/docker.sock')
  assert.deepEqual(origins.get('docker.host'), { source: 'environment', name: 'STAVE_DOCKER_PATHS_SOCKET' })
})

test('S0-19: the sample of variables for Docker has no dead names, and says what it seems to', async () => {
  const lines = readFileSync('deploy/docker/invoker-dcf.env', 'utf8').split('\n')
  const set = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/=(.*)/, 2))
  const env = Object.fromEntries(set.map(([name = '', value = '']) => [name, value]))
  const { config, warnings, origins } = await load({ env })
  assert.deepEqual(warnings, [])
  assert.equal(config.containers.provider, 'docker')
  assert.equal(config.docker.pause, 'docker')
  assert.deepEqual(config.docker.dns, ['10.96.0.10'])
  assert.deepEqual(config.docker.extraArgs, { label: ['team=functions'] })
  const used = new Set([...origins.values()].flatMap((origin) => ('name' in origin ? [origin.name] : [])))
  for (const name of Object.keys(env)) {
    assert.ok(
      [...used].some((known) => known === name || name.startsWith(`${known}_`)),
      name,
    )
  }
})

test('times and sizes may have a unit', async () => {
  const { config } = await load({
    env: {
      STAVE_CONTAINERS_IDLE_TIMEOUT_MS: '5 minutes',
      STAVE_LIMITS_CODE_BYTES: '20 MB',
      STAVE_CONTAINERS_MEMORY_MB: '2g',
    },
  })
  assert.equal(config.containers.idleTimeoutMs, 300_000)
  assert.equal(config.limits.codeBytes, 20 * 1024 ** 2)
  assert.equal(config.containers.memoryMb, 2048)
})

test('unknown names are errors that name the nearest known one, all at once', async () => {
  const problems = await problemsOf({
    env: { STAVE_LIMITS_INVOCATION_PER_MINUTE: '5' },
    flags: { prot: '80', config: '/f' },
    files: { '/f': 'containers: { sandbx: none }\nlimit: { timeout: 5 }\nlog: info\n' },
  })
  const text = problems.join('\n')
  assert.equal(problems.length, 5)
  assert.match(text, /STAVE_LIMITS_INVOCATION_PER_MINUTE.*nearest is STAVE_LIMITS_INVOCATIONS_PER_MINUTE\./)
  assert.match(text, /--prot.*nearest is --port\./)
  assert.match(text, /containers\.sandbx.*nearest is containers\.sandbox\./)
  assert.match(text, /no key limit\..*nearest is limits\./)
  assert.match(text, /log must be a group of keys/)
})

test('a wrong value is an error that names key, source and what is expected', async () => {
  const problems = await problemsOf({
    env: {
      STAVE_PORT: '70000',
      STAVE_TRUSTED: 'perhaps',
      STAVE_CONTAINERS_RESOURCES: '{"a":-1}',
      STAVE_DATA_DIR: '/a\0b',
    },
    flags: { 'log-level': 'loud' },
  })
  assert.deepEqual(problems, [
    'port (from STAVE_PORT) must be a whole number from 0 to 65535.',
    'trusted (from STAVE_TRUSTED) must be true or false.',
    'containers.resources (from STAVE_CONTAINERS_RESOURCES) must be an object of whole numbers from 0, for example {"name": 1}.',
    'dataDir (from STAVE_DATA_DIR) must not contain NUL.',
    'log.level (from --log-level) must be one of debug, info, warn, error, silent.',
  ])
})

test('a file that is missing, not YAML, or an alias bomb is an error', async () => {
  assert.match((await problemsOf({ flags: { config: '/gone' } })).join(), /\/gone cannot be read: ENOENT/)
  assert.match((await problemsOf({ flags: { config: '/f' }, files: { '/f': 'a: [' } })).join(), /cannot be read/)
  assert.match(
    (await problemsOf({ flags: { config: '/f' }, files: { '/f': '- a' } })).join(),
    /the file must be a group/,
  )
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, index) => {
      const previous = 'abcdefgh'.charAt(index)
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${previous}`).join(',')}]`
    }),
  ].join('\n')
  assert.match((await problemsOf({ flags: { config: '/f' }, files: { '/f': bomb } })).join(), /alias/)
})

test('S0-3: an unknown container provider is an error that lists the valid ones', async () => {
  assert.match(
    (await problemsOf({ flags: { containers: 'dokcer' } })).join(),
    /containers\.provider \(from --containers\) must be one of process, docker, kubernetes, invokers, or the path of a module/,
  )
  assert.match(
    (
      await problemsOf({ env: { CONFIG_whisk_spi_ContainerFactoryProvider: 'org.x.YARNContainerFactoryProvider' } })
    ).join(),
    /known are process, docker, kubernetes, invokers/,
  )
  const { config } = await load({ flags: { containers: './my-factory.ts' } })
  assert.equal(config.containers.provider, '/srv/my-factory.ts')
})

const FORBIDDEN: readonly [string, Environment, RegExp][] = [
  ['a fleet without token', { STAVE_CONTAINERS_PROVIDER: 'invokers' }, /set invokers\.token/],
  [
    'invokers on the port of the API',
    {
      STAVE_CONTAINERS_PROVIDER: 'invokers',
      STAVE_INVOKERS_TOKEN: '0123456789abcdef',
      STAVE_INVOKERS_LISTEN: '0.0.0.0:3233',
    },
    /invokers\.listen uses port 3233/,
  ],
  ['internal TCP without token', { STAVE_INTERNAL_LISTEN: '0.0.0.0:7000' }, /set internal\.token/],
  [
    'one port twice',
    { STAVE_INTERNAL_LISTEN: '0.0.0.0:3233', STAVE_INTERNAL_TOKEN: 'x'.repeat(16) },
    /both use port 3233/,
  ],
  [
    'a range out of order',
    { STAVE_LIMITS_TIMEOUT_MAX: '30000' },
    /limits\.timeout must satisfy min <= std <= max.*100, 60000, 30000/,
  ],
  ['list default above maximum', { STAVE_LIMITS_LIST_STD: '300' }, /limits\.list\.std \(300\) must be at most/],
  ['code above request', { STAVE_LIMITS_REQUEST_BYTES: '10 MB' }, /limits\.codeBytes .* limits\.requestBytes/],
  ['payload above request', { STAVE_LIMITS_PAYLOAD_BYTES: '60 MB' }, /limits\.payloadBytes .* limits\.requestBytes/],
  ['truncation above payload', { STAVE_LIMITS_TRUNCATION_BYTES: '2 MB' }, /limits\.truncationBytes/],
  ['payload above journal', { STAVE_JOURNAL_MAX_BYTES: '4 KB' }, /journal\.maxBytes/],
  ['one action above all', { STAVE_ROUTER_MAX_PARKED: '10' }, /router\.maxParkedPerAction/],
  ['headers above request time', { STAVE_HTTP_HEADERS_TIMEOUT_MS: '2 m' }, /http\.headersTimeoutMs/],
  ['blocking wait above request time', { STAVE_LIMITS_BLOCKING_WAIT_MS: '65000' }, /blocking calls are cut off/],
  ['actions that never fit', { STAVE_CONTAINERS_MEMORY_MB: '256' }, /would never get a container/],
  [
    'sandbox of another provider',
    { STAVE_CONTAINERS_PROVIDER: 'docker', STAVE_CONTAINERS_SANDBOX: 'none' },
    /no meaning/,
  ],
  [
    'own network without sandbox',
    { STAVE_CONTAINERS_SANDBOX: 'none', STAVE_CONTAINERS_NETWORK: 'none' },
    /needs a sandbox/,
  ],
  [
    'an engine that only Docker’s client reaches',
    { STAVE_CONTAINERS_PROVIDER: 'docker', DOCKER_HOST: 'ssh://ada@far' },
    /docker\.host is ssh:\/\/ada@far.*STAVE_DOCKER_HOST/,
  ],
  [
    'two engines',
    { STAVE_DOCKER_HOST: 'tcp://10.0.0.9:2376', STAVE_DOCKER_PATHS_SOCKET: '/x.sock' },
    /name two engines: remove one/,
  ],
  [
    'image removal that never stops',
    { STAVE_DOCKER_IMAGE_LOW_WATER_PERCENT: '90' },
    /docker\.imageLowWaterPercent \(90\)/,
  ],
  [
    'user numbers beyond the last',
    { STAVE_CONTAINERS_UID_FIRST: '4294000000', STAVE_CONTAINERS_UID_COUNT: '4294000000' },
    /user number/,
  ],
]
for (const [name, env, message] of FORBIDDEN) {
  test(`S2-1: refused at start: ${name}`, async () => {
    assert.match((await problemsOf({ env })).join('\n'), message)
  })
}

test('a Kubernetes service named stave does not break the start', async () => {
  const { config, warnings } = await load({
    env: {
      STAVE_PORT: 'tcp://10.0.0.1:3233',
      STAVE_SERVICE_HOST: '10.0.0.1',
      STAVE_SERVICE_PORT: '3233',
      STAVE_SERVICE_PORT_HTTP: '3233',
      STAVE_PORT_3233_TCP: 'tcp://10.0.0.1:3233',
      STAVE_PORT_3233_TCP_PROTO: 'tcp',
      STAVE_ROUTER_SERVICE_HOST: '10.0.0.2',
      STAVE_ROUTER_PORT: 'tcp://10.0.0.2:80',
    },
  })
  assert.equal(config.port, 3233)
  assert.match(warnings.join(), /STAVE_PORT is a Kubernetes service link/)
})

test('secrets are masked, and a secret on the command line is warned about', async () => {
  const token = 'a secret of some length'
  const loaded = await load({ flags: { 'internal-token': token } })
  assert.equal(loaded.config.internal.token, token)
  assert.match(loaded.warnings.join(), /STAVE_INTERNAL_TOKEN_FILE/)
  const printed = JSON.stringify([configRows(loaded), configJson(loaded), loaded.warnings])
  assert.ok(!printed.includes(token))
  const row = configRows(loaded).find(({ key }) => key === 'internal.token')
  assert.deepEqual(row, {
    key: 'internal.token',
    value: '********',
    unit: '',
    source: 'flag',
    origin: '--internal-token',
    variable: 'STAVE_INTERNAL_TOKEN',
  })
})

test('a secret that is refused is not in the message', async () => {
  assert.ok(!(await problemsOf({ env: { STAVE_INTERNAL_TOKEN: 'shortsecret' } })).join().includes('shortsecret'))
})

test('the fixed flags have their short names, and no two flags or variables are alike', () => {
  assert.deepEqual(
    FLAGS.filter((flag) => flag.common)
      .map((flag) => flag.name)
      .sort(),
    ['config', 'containers', 'data-dir', 'host', 'port', 'trusted'],
  )
  assert.equal(new Set(FLAGS.map((flag) => flag.name)).size, KEYS.length + 1)
  assert.equal(new Set(KEYS.map((key) => key.variable)).size, KEYS.length)
  assert.ok(FLAGS.some((flag) => flag.name === 'limits-invocations-per-minute'))
  // `…_FILE` names of one key must not be the variable of another.
  assert.ok(KEYS.every((key) => !KEYS.some((other) => other.variable === `${key.variable}_FILE`)))
})

test('limits in the form of the domain', async () => {
  const { config } = await load({ env: { STAVE_LIMITS_LIST_MAX: '300' } })
  const limits = systemLimits(config)
  assert.deepEqual(limits.timeoutMs, { min: 100, std: 60_000, max: 300_000 })
  assert.deepEqual(limits.memoryMb, { min: 128, std: 256, max: 512 })
  assert.deepEqual(limits.logsMb, { min: 0, std: 10, max: 10 })
  assert.deepEqual(limits.concurrency, { min: 1, std: 1, max: 500 })
  assert.equal(limits.codeBytes, 50_331_648)
  assert.equal(limits.listMax, 300)
})
