/**
 * OpenWhisk's variables: `CONFIG_whisk_fooBar_baz` is its key `whisk.foo-bar.baz`. Those with an equal here are taken over, so that a
 * deployment's environment files go on working; the others are listed as warnings.
 */

import { KEYS } from '../keys.ts'
import type { Key } from '../keys.ts'
import { PROVIDERS } from '../sections/containers.ts'
import { AUTHENTICATION_PROVIDERS } from '../sections/server.ts'
import { ENTITLEMENT_PROVIDERS } from '../sections/entitlement.ts'
import { createListCollector } from './openwhisk-lists.ts'
import type { Environment, Problem, Reading, Setting } from '../setting.ts'

const PREFIX = 'CONFIG_whisk_'

/** OpenWhisk's key -> ours. Units need no table: our keys take text with OpenWhisk's units (`1024 m`, `10 minutes`). */
const EQUALS: Readonly<Record<string, string>> = {
  'whisk.time-limit.min': 'limits.timeout.min',
  'whisk.time-limit.std': 'limits.timeout.std',
  'whisk.time-limit.max': 'limits.timeout.max',
  'whisk.memory.min': 'limits.memory.min',
  'whisk.memory.std': 'limits.memory.std',
  'whisk.memory.max': 'limits.memory.max',
  'whisk.log-limit.min': 'limits.logs.min',
  'whisk.log-limit.std': 'limits.logs.std',
  'whisk.log-limit.max': 'limits.logs.max',
  'whisk.concurrency-limit.min': 'limits.concurrency.min',
  'whisk.concurrency-limit.std': 'limits.concurrency.std',
  'whisk.concurrency-limit.max': 'limits.concurrency.max',
  'whisk.parameter-size-limit.max': 'limits.parametersBytes',
  'whisk.exec-size-limit.max': 'limits.codeBytes',
  'whisk.activation.payload.max': 'limits.payloadBytes',
  'whisk.activation.payload.truncation': 'limits.truncationBytes',
  'whisk.activation.store-blocking-result-level': 'activations.storeBlocking',
  'whisk.activation.store-non-blocking-result-level': 'activations.storeNonBlocking',
  'whisk.config.limits-actions-invokes-per-minute': 'limits.invocationsPerMinute',
  'whisk.config.limits-actions-invokes-concurrent': 'limits.concurrentInvocations',
  'whisk.config.limits-triggers-fires-per-minute': 'limits.firesPerMinute',
  'whisk.config.limits-actions-sequence-max-length': 'limits.sequenceLength',
  'whisk.container-pool.user-memory': 'containers.memoryMb',
  'whisk.container-proxy.timeouts.idle-container': 'containers.idleTimeoutMs',
  'whisk.container-proxy.timeouts.pause-grace': 'containers.pauseGraceMs',
  'whisk.container-factory.container-args.network': 'docker.network',
  'whisk.container-factory.runtimes-registry.url': 'docker.runtimesRegistry',
  'whisk.container-factory.user-images-registry.url': 'docker.userImagesRegistry',
  'whisk.docker.client.parallel-runs': 'docker.parallelStarts',
  'whisk.docker.client.timeouts.run': 'docker.requestTimeoutMs',
  'whisk.docker.client.timeouts.pull': 'docker.pullTimeoutMs',
  'whisk.docker.container-factory.use-runc': 'docker.pause',
  'whisk.runtimes.bypass-pull-for-local-images': 'docker.bypassPullForLocalImages',
  'whisk.runtimes.local-image-prefix': 'docker.localImagePrefix',
  'whisk.parameter-storage.current': 'parameterStorage.current',
  'whisk.parameter-storage.aes-256': 'parameterStorage.aes256',
  'whisk.parameter-storage.aes-128': 'parameterStorage.aes128',
  'whisk.controller.username': 'controller.username',
  'whisk.controller.password': 'controller.password',
  'whisk.spi.ContainerFactoryProvider': 'containers.provider',
  'whisk.spi.AuthenticationProvider': 'authentication.provider',
  'whisk.spi.EntitlementSpiProvider': 'entitlement.provider',
  'whisk.shared-packages-execute-only': 'entitlement.sharedPackagesExecuteOnly',
}

/** Variables without the prefix. */
const PLAIN: Readonly<Record<string, string>> = {
  LIMITS_ACTIONS_INVOKES_PERMINUTE: 'limits.invocationsPerMinute',
  LIMITS_ACTIONS_INVOKES_CONCURRENT: 'limits.concurrentInvocations',
  LIMITS_TRIGGERS_FIRES_PERMINUTE: 'limits.firesPerMinute',
  LIMITS_ACTIONS_SEQUENCE_MAXLENGTH: 'limits.sequenceLength',
  RUNTIMES_MANIFEST: 'runtimes.manifest',
  INVOKER_USE_RUNC: 'docker.pause',
  // Kubernetes' own custom: the downward API's spec.nodeName.
  NODE_NAME: 'nodeName',
}

/** Variables that OpenWhisk's deployments set and that decide nothing here: what to tell those who set them. */
const DEPRECATED: Readonly<Record<string, string>> = {
  INVOKER_COUNT: 'is deprecated and ignored: nodes are found by their registration, not by a number. Remove it.',
}

/** Keys that name a class in OpenWhisk. */
interface Classes {
  readonly what: string
  readonly names: readonly string[]
  /** Ours by the start of the class name: `org.apache….docker.DockerForMacContainerFactoryProvider` is docker. */
  readonly patterns: readonly (readonly [RegExp, string])[]
}

const CLASSES: Readonly<Record<string, Classes>> = {
  'containers.provider': {
    what: 'container factory provider',
    names: PROVIDERS,
    patterns: [
      [/^(?:Standalone)?Docker/, 'docker'],
      [/^Kubernetes/, 'kubernetes'],
      [/^Process/, 'process'],
      [/^Invokers?(?!\w*Reactive)/, 'invokers'],
    ],
  },
  'authentication.provider': {
    what: 'authentication provider',
    names: AUTHENTICATION_PROVIDERS,
    patterns: [[/^BasicAuthentication/, 'basic']],
  },
  'entitlement.provider': {
    what: 'entitlement provider',
    names: ENTITLEMENT_PROVIDERS,
    patterns: [[/^LocalEntitlement/, 'basic']],
  },
}

/** Reads OpenWhisk's variables. Empty ones are unset; `$NAME` as a value stands for the variable NAME, as it does there. */
export function readOpenWhisk(env: Environment): Reading {
  const settings: Setting[] = []
  const problems: Problem[] = []
  const warnings: string[] = []
  const byName = new Map(KEYS.map((key) => [key.name, key]))
  const byPath = new Map(Object.entries(EQUALS).map(([path, name]) => [fold(path), byName.get(name)]))

  const lists = createListCollector()
  for (const [variable, name] of Object.entries(PLAIN)) take(variable, byName.get(name))
  for (const [variable, notice] of Object.entries(DEPRECATED))
    if (valueOf(variable) !== '') warnings.push(`${variable} ${notice}`)
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith(PREFIX) || valueOf(variable) === '') continue
    const path = openWhiskPath(variable)
    if (lists.take(variable, path, valueOf(variable))) continue
    const key = byPath.get(fold(path))
    if (key === undefined) warnings.push(`${variable} (${path}) has no equal here: ignored.`)
    else take(variable, key)
  }
  for (const { name, raw, variable } of lists.collected()) {
    const key = byName.get(name)
    if (key !== undefined) settings.push({ key, raw, origin: { source: 'openwhisk', name: variable } })
  }
  return { settings, problems, warnings }

  function valueOf(variable: string): string {
    const value = env[variable]?.trim() ?? ''
    return value.startsWith('$') ? (env[value.slice(1).replace(/^\{(.*)\}$/, '$1')]?.trim() ?? '') : value
  }

  function take(variable: string, key: Key | undefined): void {
    const value = valueOf(variable)
    if (key === undefined || value === '') return
    const classes = CLASSES[key.name]
    const raw =
      key.name === 'docker.pause' ? pauseOf(value) : classes === undefined ? levelOf(value) : nameOf(value, classes)
    if (raw === undefined)
      problems.push({
        message:
          classes === undefined
            ? `${variable} must be true (containers are paused by runc) or false (by the engine’s API), not ${JSON.stringify(value)}.`
            : `${variable}: there is no ${classes.what} ${value}; known are ${classes.names.join(', ')}.`,
      })
    else settings.push({ key, raw, origin: { source: 'openwhisk', name: variable } })
  }
}

/** `whisk.foo-bar.baz` of `CONFIG_whisk_fooBar_baz`; a segment that starts with a capital (a class name) is kept. */
export function openWhiskPath(variable: string): string {
  return variable
    .slice('CONFIG_'.length)
    .split('_')
    .map((part) => (/^[A-Z]/.test(part) ? part : part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)))
    .join('.')
}

/** Upstream spells its own keys in two ways (`limits-actions-invokes-perMinute`): dashes and case do not count. */
function fold(path: string): string {
  return path.replaceAll('-', '').toLowerCase()
}

/** Ours of `STORE_FAILURES_NOT_APPLICATION_ERRORS`; any other value as it is. */
function levelOf(value: string): string {
  return /^STORE_[A-Z_]+$/i.test(value) ? value.slice('STORE_'.length).toLowerCase().replaceAll('_', '-') : value
}

/** Strategy of OpenWhisk's use-runc; undefined when it is neither true nor false. */
function pauseOf(value: string): string | undefined {
  const word = value.toLowerCase()
  return word === 'true' ? 'runc' : word === 'false' ? 'docker' : undefined
}

function nameOf(value: string, { names, patterns }: Classes): string | undefined {
  if (names.includes(value) || value.includes('/') || value.startsWith('file:')) return value
  const className = value.slice(value.lastIndexOf('.') + 1)
  return patterns.find(([pattern]) => pattern.test(className))?.[1]
}
