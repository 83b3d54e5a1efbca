/** Rules between keys: combinations that would start and then not work are refused, with what to change. */

import type { LimitRange } from '../model/limits.ts'
import type { Config } from './schema.ts'

/** The largest number a container may run as: the two above it mean "unchanged" and "nobody" to the kernel and to NFS. */
const LAST_UID = 4_294_967_293

/** What is wrong with the combination of values, one sentence a rule; empty when all is well. */
export function brokenRules(config: Config): readonly string[] {
  const { containers, docker, http, internal, invokers, journal, limits, parameterStorage, router } = config
  const found: string[] = []
  const require = (holds: boolean, message: string): void => {
    if (!holds) found.push(message)
  }

  const internalPort =
    internal.listen === 'unix' ? undefined : Number(internal.listen.slice(internal.listen.lastIndexOf(':') + 1))
  require(internalPort === undefined ||
    internal.token !==
      '', `internal.listen is ${internal.listen}, where other hosts can connect: set internal.token (STAVE_INTERNAL_TOKEN_FILE) or internal.listen: unix.`)
  require(internalPort === undefined ||
    internalPort === 0 ||
    internalPort !==
      config.port, `port and internal.listen both use port ${config.port}: give internal.listen another one.`)

  const fleet = containers.provider === 'invokers'
  const invokersPort = Number(invokers.listen.slice(invokers.listen.lastIndexOf(':') + 1))
  require(!fleet ||
    invokers.token !==
      '', `containers.provider is invokers without a secret by which they are known: set invokers.token (STAVE_INVOKERS_TOKEN_FILE).`)
  require(!fleet ||
    invokersPort === 0 ||
    (invokersPort !== config.port &&
      invokersPort !==
        internalPort), `invokers.listen uses port ${invokersPort}, as port or internal.listen do: give it another one.`)

  for (const [scheme, name] of [
    ['aes-256', 'aes256'],
    ['aes-128', 'aes128'],
  ] as const) {
    require(parameterStorage.current !== scheme ||
      parameterStorage[name] !==
        '', `parameterStorage.current is ${scheme} without a key: set parameterStorage.${name} (by file), or parameterStorage.current: off.`)
  }

  requireRange('limits.timeout', limits.timeout)
  requireRange('limits.memory', limits.memory)
  requireRange('limits.logs', limits.logs)
  requireRange('limits.concurrency', limits.concurrency)
  requireAtMost('limits.list.std', limits.list.std, 'limits.list.max', limits.list.max)
  requireAtMost('limits.codeBytes', limits.codeBytes, 'limits.requestBytes', limits.requestBytes)
  requireAtMost('limits.payloadBytes', limits.payloadBytes, 'limits.requestBytes', limits.requestBytes)
  requireAtMost('limits.truncationBytes', limits.truncationBytes, 'limits.payloadBytes', limits.payloadBytes)
  requireAtMost('limits.payloadBytes', limits.payloadBytes, 'journal.maxBytes', journal.maxBytes)
  requireAtMost('router.maxParkedPerAction', router.maxParkedPerAction, 'router.maxParked', router.maxParked)
  requireAtMost('http.headersTimeoutMs', http.headersTimeoutMs, 'http.requestTimeoutMs', http.requestTimeoutMs)
  require(limits.blockingWaitMs <
    http.requestTimeoutMs, `limits.blockingWaitMs (${limits.blockingWaitMs}) must be below http.requestTimeoutMs (${http.requestTimeoutMs}), or blocking calls are cut off: raise the latter.`)

  require(containers.memoryMb === 0 ||
    limits.memory.max <=
      containers.memoryMb, `containers.memoryMb (${containers.memoryMb}) is below limits.memory.max (${limits.memory.max}): such actions would never get a container. Lower limits.memory.max or give containers more.`)
  require(containers.sandbox === 'auto' ||
    containers.provider ===
      'process', `containers.sandbox: ${containers.sandbox} has no meaning for containers.provider: ${containers.provider}. Remove it.`)
  require(containers.sandbox !== 'none' ||
    containers.network ===
      'host', `containers.network: ${containers.network} needs a sandbox: set containers.sandbox: auto, or containers.network: host.`)
  require(containers.uidFirst + containers.uidCount - 1 <=
    LAST_UID, `containers.uidFirst + containers.uidCount go beyond the largest user number: lower one of them.`)
  require(containers.provider !== 'docker' ||
    /^(?:unix|tcp|https?):/.test(
      docker.host,
    ), `docker.host is ${docker.host}, which Docker’s own client alone speaks: set docker.host (STAVE_DOCKER_HOST) to unix://PATH, tcp://HOST:PORT or https://….`)
  require(docker.paths.socket === '' ||
    docker.host ===
      `unix://${docker.paths.socket}`, `docker.host (${docker.host}) and docker.paths.socket (${docker.paths.socket}) name two engines: remove one of them.`)
  requireAtMost(
    'docker.imageLowWaterPercent',
    docker.imageLowWaterPercent,
    'docker.imageHighWaterPercent',
    docker.imageHighWaterPercent,
  )
  return found

  function requireRange(name: string, range: LimitRange): void {
    require(range.min <= range.std &&
      range.std <=
        range.max, `${name} must satisfy min <= std <= max, but has ${range.min}, ${range.std}, ${range.max}: set the others with it.`)
  }

  function requireAtMost(name: string, value: number, boundName: string, bound: number): void {
    require(value <=
      bound, `${name} (${value}) must be at most ${boundName} (${bound}): lower it or raise ${boundName}.`)
  }
}
