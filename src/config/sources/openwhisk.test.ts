import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../load.ts'
import type { LoadedConfig } from '../load.ts'
import { valueAt } from '../print.ts'
import type { Environment } from '../setting.ts'
import { openWhiskPath } from './openwhisk.ts'

function load(env: Environment): Promise<LoadedConfig> {
  return loadConfig({
    env,
    flags: {},
    homedir: '/home/ada',
    cwd: '/srv',
    readFile: () => assert.fail('nothing names a file'),
  })
}

test('S0-19: variable names become keys by OpenWhisk’s rule', () => {
  assert.equal(openWhiskPath('CONFIG_whisk_fooBar_baz'), 'whisk.foo-bar.baz')
  assert.equal(openWhiskPath('CONFIG_whisk_spi_ContainerFactoryProvider'), 'whisk.spi.ContainerFactoryProvider')
})

const CASES: readonly [string, string, string, unknown][] = [
  ['CONFIG_whisk_memory_min', '64 m', 'limits.memory.min', 64],
  ['CONFIG_whisk_memory_std', '256m', 'limits.memory.std', 256],
  ['CONFIG_whisk_memory_max', '1 GB', 'limits.memory.max', 1024],
  ['CONFIG_whisk_timeLimit_min', '50 ms', 'limits.timeout.min', 50],
  ['CONFIG_whisk_timeLimit_std', '1 m', 'limits.timeout.std', 60_000],
  ['CONFIG_whisk_timeLimit_max', '10 minutes', 'limits.timeout.max', 600_000],
  ['CONFIG_whisk_logLimit_min', '0 m', 'limits.logs.min', 0],
  ['CONFIG_whisk_logLimit_std', '5m', 'limits.logs.std', 5],
  ['CONFIG_whisk_logLimit_max', '20 MB', 'limits.logs.max', 20],
  ['CONFIG_whisk_concurrencyLimit_min', '1', 'limits.concurrency.min', 1],
  ['CONFIG_whisk_concurrencyLimit_std', '2', 'limits.concurrency.std', 2],
  ['CONFIG_whisk_concurrencyLimit_max', '200', 'limits.concurrency.max', 200],
  ['CONFIG_whisk_parameterSizeLimit_max', '512 KB', 'limits.parametersBytes', 524_288],
  ['CONFIG_whisk_execSizeLimit_max', '24 MB', 'limits.codeBytes', 25_165_824],
  ['CONFIG_whisk_activation_payload_max', '2097152', 'limits.payloadBytes', 2_097_152],
  ['CONFIG_whisk_activation_payload_truncation', '512 k', 'limits.truncationBytes', 524_288],
  ['CONFIG_whisk_activation_storeBlockingResultLevel', 'STORE_FAILURES', 'activations.storeBlocking', 'failures'],
  [
    'CONFIG_whisk_activation_storeNonBlockingResultLevel',
    'STORE_FAILURES_NOT_APPLICATION_ERRORS',
    'activations.storeNonBlocking',
    'failures-not-application-errors',
  ],
  ['CONFIG_whisk_config_limitsActionsInvokesPerMinute', '120', 'limits.invocationsPerMinute', 120],
  ['CONFIG_whisk_config_limits-actions-invokes-perMinute', '121', 'limits.invocationsPerMinute', 121],
  ['CONFIG_whisk_config_limits-actions-invokes-concurrent', '31', 'limits.concurrentInvocations', 31],
  ['CONFIG_whisk_config_limits-triggers-fires-perMinute', '61', 'limits.firesPerMinute', 61],
  ['CONFIG_whisk_config_limits-actions-sequence-maxLength', '20', 'limits.sequenceLength', 20],
  ['CONFIG_whisk_containerPool_userMemory', '1024 m', 'containers.memoryMb', 1024],
  ['CONFIG_whisk_containerProxy_timeouts_idleContainer', '10 minutes', 'containers.idleTimeoutMs', 600_000],
  ['CONFIG_whisk_containerProxy_timeouts_pauseGrace', '5 seconds', 'containers.pauseGraceMs', 5000],
  ['CONFIG_whisk_containerFactory_containerArgs_network', 'bridge', 'docker.network', 'bridge'],
  ['CONFIG_whisk_containerFactory_containerArgs_dnsServers_0', '10.0.0.2', 'docker.dns', ['10.0.0.2']],
  ['CONFIG_whisk_containerFactory_containerArgs_dnsSearch_0', 'example.org', 'docker.dnsSearch', ['example.org']],
  ['CONFIG_whisk_containerFactory_containerArgs_dnsOptions_0', 'ndots:1', 'docker.dnsOptions', ['ndots:1']],
  ['CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0', 'A=b,c', 'docker.extraEnv', ['A=b,c']],
  [
    'CONFIG_whisk_containerFactory_containerArgs_extraArgs_capDrop_0',
    'NET_RAW',
    'docker.extraArgs',
    { 'cap-drop': ['NET_RAW'] },
  ],
  [
    'CONFIG_whisk_containerFactory_runtimesRegistry_url',
    'r.example.org/x',
    'docker.runtimesRegistry',
    'r.example.org/x',
  ],
  [
    'CONFIG_whisk_containerFactory_userImagesRegistry_url',
    'r.example.org',
    'docker.userImagesRegistry',
    'r.example.org',
  ],
  ['CONFIG_whisk_docker_client_parallelRuns', '20', 'docker.parallelStarts', 20],
  ['CONFIG_whisk_docker_client_timeouts_run', '2 minutes', 'docker.requestTimeoutMs', 120_000],
  ['CONFIG_whisk_docker_client_timeouts_pull', '20 minutes', 'docker.pullTimeoutMs', 1_200_000],
  ['CONFIG_whisk_docker_containerFactory_useRunc', 'true', 'docker.pause', 'runc'],
  ['CONFIG_whisk_docker_containerFactory_useRunc', 'false', 'docker.pause', 'docker'],
  ['CONFIG_whisk_runtimes_bypassPullForLocalImages', 'true', 'docker.bypassPullForLocalImages', true],
  ['CONFIG_whisk_runtimes_localImagePrefix', 'local', 'docker.localImagePrefix', 'local'],
  ['NODE_NAME', 'worker-1', 'nodeName', 'worker-1'],
  ['INVOKER_USE_RUNC', 'True', 'docker.pause', 'runc'],
  ['INVOKER_USE_RUNC', 'false', 'docker.pause', 'docker'],
  ['LIMITS_ACTIONS_INVOKES_PERMINUTE', '999', 'limits.invocationsPerMinute', 999],
  ['LIMITS_ACTIONS_INVOKES_CONCURRENT', '99', 'limits.concurrentInvocations', 99],
  ['LIMITS_TRIGGERS_FIRES_PERMINUTE', '9', 'limits.firesPerMinute', 9],
  ['LIMITS_ACTIONS_SEQUENCE_MAXLENGTH', '10', 'limits.sequenceLength', 10],
  ['RUNTIMES_MANIFEST', '{"runtimes":{}}', 'runtimes.manifest', '{"runtimes":{}}'],
]
for (const [variable, value, key, expected] of CASES) {
  test(`S0-19: ${variable}=${value} sets ${key}`, async () => {
    const { config, origins, warnings } = await load({ [variable]: value })
    assert.deepEqual(valueAt(config, key), expected)
    assert.deepEqual(origins.get(key), { source: 'openwhisk', name: variable })
    assert.deepEqual(warnings, [])
  })
}

test('S0-3: the authentication provider is given by its class', async () => {
  const variable = 'CONFIG_whisk_spi_AuthenticationProvider'
  const { config } = await load({ [variable]: 'org.apache.openwhisk.core.controller.BasicAuthenticationDirective' })
  assert.equal(config.authentication.provider, 'basic')
  await assert.rejects(
    load({ [variable]: 'com.example.CertificateDirective' }),
    /no authentication provider.*known are basic/,
  )
})

test('2.4: encryption of parameters is configured by OpenWhisk’s variables', async () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  const { config } = await load({
    CONFIG_whisk_parameterStorage_current: 'aes-256',
    CONFIG_whisk_parameterStorage_aes256: key,
    CONFIG_whisk_parameterStorage_aes128: Buffer.alloc(16, 7).toString('base64'),
  })
  assert.deepEqual([config.parameterStorage.current, config.parameterStorage.aes256], ['aes-256', key])
  await assert.rejects(load({ CONFIG_whisk_parameterStorage_current: 'aes-256' }), /is aes-256 without a key/)
})

test('S0-3: container factory classes become our providers', async () => {
  const provider = async (value: string): Promise<string> =>
    (await load({ CONFIG_whisk_spi_ContainerFactoryProvider: value })).config.containers.provider
  assert.equal(
    await provider('org.apache.openwhisk.core.containerpool.docker.DockerContainerFactoryProvider'),
    'docker',
  )
  assert.equal(
    await provider('org.apache.openwhisk.core.containerpool.docker.DockerForMacContainerFactoryProvider'),
    'docker',
  )
  assert.equal(await provider('org.apache.openwhisk.standalone.StandaloneDockerContainerFactoryProvider'), 'docker')
  assert.equal(
    await provider('org.apache.openwhisk.core.containerpool.kubernetes.KubernetesContainerFactoryProvider'),
    'kubernetes',
  )
  assert.equal(await provider('ProcessContainerFactoryProvider'), 'process')
  assert.equal(await provider('kubernetes'), 'kubernetes')
})

test('S0-19: unknown keys are warnings, empty ones are unset, $NAME is another variable', async () => {
  const { config, warnings } = await load({
    CONFIG_whisk_kafka_replicationFactor: '3',
    CONFIG_whisk_memory_max: '',
    CONFIG_whisk_couchdb_host: '',
    CONFIG_whisk_concurrencyLimit_max: '$RUNS',
    CONFIG_whisk_logLimit_max: '$NOBODY',
    RUNS: '77',
    CONFIG_logback_log_level: 'INFO',
  })
  assert.deepEqual(warnings, [
    'CONFIG_whisk_kafka_replicationFactor (whisk.kafka.replication-factor) has no equal here: ignored.',
  ])
  assert.equal(config.limits.memory.max, 512)
  assert.equal(config.limits.concurrency.max, 77)
  assert.equal(config.limits.logs.max, 10)
})

test('S0-19: numbered variables make lists in the order of their numbers, named ones a map of lists', async () => {
  const prefix = 'CONFIG_whisk_containerFactory_containerArgs_'
  const { config, warnings } = await load({
    [`${prefix}dnsServers_10`]: '10.0.0.4',
    [`${prefix}dnsServers_2`]: '10.0.0.3',
    [`${prefix}dnsServers_0`]: '10.0.0.2',
    [`${prefix}dnsServers_1`]: '',
    [`${prefix}dnsSearch`]: 'a.example.org, b.example.org',
    [`${prefix}extraArgs_ulimit_1`]: 'core=0',
    [`${prefix}extraArgs_ulimit_0`]: 'nofile=1024:1024',
    [`${prefix}extraArgs_cap-drop_0`]: 'NET_RAW',
    [`${prefix}extraArgs_ipc`]: 'private',
  })
  assert.deepEqual(config.docker.dns, ['10.0.0.2', '10.0.0.3', '10.0.0.4'])
  assert.deepEqual(config.docker.dnsSearch, ['a.example.org', 'b.example.org'])
  assert.deepEqual(config.docker.extraArgs, {
    ulimit: ['nofile=1024:1024', 'core=0'],
    'cap-drop': ['NET_RAW'],
    ipc: ['private'],
  })
  assert.deepEqual(warnings, [])
})

test('S2-13: INVOKER_USE_RUNC is true, false, or an error that names it; unset, the best that works is taken', async () => {
  assert.equal((await load({ INVOKER_USE_RUNC: '' })).config.docker.pause, 'auto')
  await assert.rejects(load({ INVOKER_USE_RUNC: 'perhaps' }), /INVOKER_USE_RUNC must be true .* or false .*"perhaps"/)
  await assert.rejects(
    load({ CONFIG_whisk_docker_containerFactory_useRunc: '1' }),
    /CONFIG_whisk_docker_containerFactory_useRunc must be true/,
  )
  assert.equal((await load({ INVOKER_USE_RUNC: 'true', STAVE_DOCKER_PAUSE: 'cgroup' })).config.docker.pause, 'cgroup')
})

test('S1-9: INVOKER_COUNT is accepted, ignored and said to be deprecated, once', async () => {
  const { warnings } = await load({ INVOKER_COUNT: '1' })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^INVOKER_COUNT is deprecated and ignored/)
})

test('the variable with the prefix wins over the plain one', async () => {
  const { config } = await load({
    CONFIG_whisk_config_limitsActionsInvokesPerMinute: '7',
    LIMITS_ACTIONS_INVOKES_PERMINUTE: '8',
  })
  assert.equal(config.limits.invocationsPerMinute, 7)
})
