/** The calls of the Docker Engine API that containers need, typed, each with a deadline; the version is negotiated once a connection. */

import type {
  ContainerEvent,
  ContainerInspection,
  EngineInfo,
  EngineVersion,
  ImageInspection,
  ListedContainer,
  ListedImage,
  NetworkInspection,
  PullProgress,
} from './engine-answers.ts'
import {
  readContainer,
  readContainers,
  readCreatedId,
  readEvent,
  readImage,
  readImages,
  readInfo,
  readNetwork,
  readProgress,
  readVersion,
} from './engine-answers.ts'
import type { EngineAddress } from './engine-address.ts'
import { describeAddress } from './engine-address.ts'
import type { EngineRequest, EngineStream, EngineTransport } from './engine-transport.ts'
import { EngineError } from './engine-transport.ts'
import { jsonLines } from './json-lines.ts'

/** Oldest version that has all that is used here (Engine 19.03), and the newest that was tried. */
export const OLDEST_API = '1.40'
export const NEWEST_API = '1.50'

export interface EngineTimeouts {
  /** For create, start, inspect, list, remove and the like, in ms. */
  readonly requestMs: number
  /** For pause, unpause and questions about the engine itself. */
  readonly quickMs: number
  /** For a whole pull. */
  readonly pullMs: number
}

/** Name, value pairs that select containers. */
export type LabelFilter = readonly string[]

/** Every method rejects with `EngineError`, `EngineUnreachable` or `UnknownAnswer`. `withinMs` bounds one call more narrowly than `EngineTimeouts`. */
export interface EngineClient {
  readonly address: EngineAddress
  /** Agrees on a version of the API; also after the engine was replaced. Rejects with what is wrong when there is no version that both speak. */
  connect(): Promise<EngineVersion>
  version(): Promise<EngineVersion>
  info(): Promise<EngineInfo>
  /** Resolves when the engine answers at all, on a connection that no other call can keep waiting. */
  ping(): Promise<void>
  /** Resolves with the engine's id of the container. After `EngineUnreachable` the container may be there, or come to be there, all the same. */
  createContainer(name: string, body: object, withinMs?: number): Promise<string>
  /** Idempotent: a container that runs is left alone. */
  startContainer(engineId: string, withinMs?: number): Promise<void>
  inspectContainer(engineId: string, withinMs?: number): Promise<ContainerInspection>
  /** Idempotent. */
  pauseContainer(engineId: string): Promise<void>
  /** Idempotent. */
  unpauseContainer(engineId: string): Promise<void>
  /** Sets the memory bound, swap included. */
  setMemory(engineId: string, memoryBytes: number): Promise<void>
  /** Sends SIGTERM, and SIGKILL after `graceS` seconds. Idempotent. */
  stopContainer(engineId: string, graceS: number): Promise<void>
  /** Kills it if it runs and removes it with its volumes. By id or name. Idempotent: resolves false where there is none. */
  removeContainer(engineId: string, withinMs?: number): Promise<boolean>
  listContainers(labels: LabelFilter): Promise<readonly ListedContainer[]>
  /** Ends of containers (`die`, `oom`, `destroy`) as they come; ends when the engine does. */
  events(labels: LabelFilter): Promise<{ readonly events: AsyncIterable<ContainerEvent>; close(): void }>
  /**
   * The container's output from then on, framed (log-frames.ts), with time stamps. `sinceNano` in nanoseconds since the epoch. `follow`: until the container
   * ends; else what there is.
   */
  readLogs(engineId: string, sinceNano: bigint, follow: boolean): Promise<EngineStream>
  /** What the container printed last, unframed and without time stamps. */
  tailLogs(engineId: string, lines: number): Promise<Buffer>
  /** Resolves when the image is there. Rejects with `EngineError` also for what goes wrong in the middle. */
  pullImage(
    reference: string,
    onProgress: (progress: PullProgress) => void,
    /** Value of `X-Registry-Auth`: credentials for the image's registry. */
    auth?: string,
  ): Promise<void>
  /** Resolves undefined when there is no such image. */
  inspectImage(reference: string, withinMs?: number): Promise<ImageInspection | undefined>
  listImages(): Promise<readonly ListedImage[]>
  /** Idempotent. Rejects with status 409 when a container uses it. */
  removeImage(reference: string): Promise<void>
  createNetwork(body: object): Promise<string>
  /** Resolves undefined when there is no such network. */
  inspectNetwork(name: string): Promise<NetworkInspection | undefined>
  removeNetwork(name: string): Promise<void>
  close(): Promise<void>
}

/**
 * The engine and its containerd each remember whether a container is paused, and tell each other by events: when pauses follow each other closely, an event that
 * is late makes the engine believe in a pause that is over. Whichever of them says that there is nothing to undo is right about what was done through them.
 */
const NOT_PAUSED = /not paused|cannot resume a running process/
const NOT_MODIFIED = 304
const CONFLICT = 409
const NOT_FOUND = 404

export function createEngineClient(transport: EngineTransport, timeouts: EngineTimeouts): EngineClient {
  const { address } = transport
  let prefix = ''

  const call = async (
    request: Omit<EngineRequest, 'timeoutMs'> & { readonly timeoutMs?: number },
  ): Promise<unknown> => {
    const { timeoutMs = timeouts.requestMs, path } = request
    return (await transport.request({ ...request, path: `${prefix}${path}`, timeoutMs })).body
  }
  const atMost = (withinMs: number | undefined): { readonly timeoutMs?: number } =>
    withinMs === undefined ? {} : { timeoutMs: Math.max(1, Math.ceil(Math.min(withinMs, timeouts.requestMs))) }
  const quickly = (method: EngineRequest['method'], path: string): Promise<unknown> =>
    call({ method, path, timeoutMs: timeouts.quickMs })

  const version = async (): Promise<EngineVersion> =>
    readVersion((await transport.request({ method: 'GET', path: '/version', timeoutMs: timeouts.quickMs })).body)

  return {
    address,
    async connect() {
      const found = await version()
      prefix = `/v${agreedVersion(found, describeAddress(address))}`
      return found
    },
    version,
    info: async () => readInfo(await quickly('GET', '/info')),
    async ping() {
      const stream = await transport.stream({ method: 'GET', path: '/_ping', timeoutMs: timeouts.quickMs })
      stream.close()
    },
    async createContainer(name, body, withinMs) {
      const path = `/containers/create?name=${encodeURIComponent(name)}`
      return readCreatedId(await call({ method: 'POST', path, body, ...atMost(withinMs) }))
    },
    async startContainer(engineId, withinMs) {
      const path = `/containers/${engineId}/start`
      await call({ method: 'POST', path, ...atMost(withinMs) }).catch(except(NOT_MODIFIED))
    },
    inspectContainer: async (engineId, withinMs) =>
      readContainer(await call({ method: 'GET', path: `/containers/${engineId}/json`, ...atMost(withinMs) })),
    async pauseContainer(engineId) {
      await quickly('POST', `/containers/${engineId}/pause`).catch(unless(/already paused/))
    },
    async unpauseContainer(engineId) {
      await quickly('POST', `/containers/${engineId}/unpause`).catch(unless(NOT_PAUSED))
    },
    async setMemory(engineId, memoryBytes) {
      const body = { Memory: memoryBytes, MemorySwap: memoryBytes }
      await call({ method: 'POST', path: `/containers/${engineId}/update`, body })
    },
    async stopContainer(engineId, graceS) {
      const timeoutMs = timeouts.requestMs + graceS * 1000
      await call({ method: 'POST', path: `/containers/${engineId}/stop?t=${graceS}`, timeoutMs }).catch(
        except(NOT_MODIFIED, NOT_FOUND),
      )
    },
    async removeContainer(engineId, withinMs) {
      const path = `/containers/${engineId}?force=true&v=true`
      try {
        await call({ method: 'DELETE', path, ...atMost(withinMs) })
        return true
      } catch (error) {
        if (error instanceof EngineError && /already in progress/i.test(error.message)) return true
        if (error instanceof EngineError && /no such container/i.test(error.message)) return false
        throw error
      }
    },
    listContainers: async (labels) =>
      readContainers(
        await call({ method: 'GET', path: `/containers/json?all=true&filters=${filters({ label: labels })}` }),
      ),
    async events(labels) {
      const wanted = { type: ['container'], event: ['die', 'oom', 'destroy'], label: labels }
      const stream = await transport.stream({
        method: 'GET',
        path: `${prefix}/events?filters=${filters(wanted)}`,
        timeoutMs: timeouts.quickMs,
      })
      return {
        events: (async function* () {
          for await (const line of jsonLines(stream.chunks)) yield readEvent(line)
        })(),
        close: () => stream.close(),
      }
    },
    readLogs(engineId, sinceNano, follow) {
      const since = `${sinceNano / 1_000_000_000n}.${String(sinceNano % 1_000_000_000n).padStart(9, '0')}`
      const path = `${prefix}/containers/${engineId}/logs?follow=${follow}&stdout=true&stderr=true&timestamps=true&since=${since}`
      return transport.stream({ method: 'GET', path, timeoutMs: timeouts.requestMs })
    },
    async tailLogs(engineId, lines) {
      const path = `${prefix}/containers/${engineId}/logs?stdout=true&stderr=true&tail=${lines}`
      const stream = await transport.stream({ method: 'GET', path, timeoutMs: timeouts.quickMs })
      const late = setTimeout(() => stream.close(), timeouts.quickMs)
      const chunks: Buffer[] = []
      try {
        for await (const chunk of stream.chunks) chunks.push(chunk)
      } finally {
        clearTimeout(late)
      }
      return unframed(Buffer.concat(chunks))
    },
    async pullImage(reference, onProgress, auth) {
      const { name, tag } = pullName(reference)
      const path = `${prefix}/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(tag)}`
      const headers = auth === undefined ? {} : { 'x-registry-auth': auth }
      const stream = await transport.stream({ method: 'POST', path, headers, timeoutMs: timeouts.pullMs })
      let late = false
      const timer = setTimeout(() => {
        late = true
        stream.close()
      }, timeouts.pullMs)
      try {
        for await (const line of jsonLines(stream.chunks)) {
          const progress = readProgress(line)
          if (progress.error !== undefined) throw new EngineError(500, progress.error)
          onProgress(progress)
        }
      } finally {
        clearTimeout(timer)
        stream.close()
      }
      if (late) throw new EngineError(504, `the pull took longer than ${timeouts.pullMs} ms (docker.pullTimeoutMs)`)
    },
    inspectImage: (reference, withinMs) =>
      call({ method: 'GET', path: `/images/${encodeURIComponent(reference)}/json`, ...atMost(withinMs) }).then(
        readImage,
        missing,
      ),
    listImages: async () => readImages(await call({ method: 'GET', path: '/images/json' })),
    async removeImage(reference) {
      await call({ method: 'DELETE', path: `/images/${encodeURIComponent(reference)}` }).catch(except(NOT_FOUND))
    },
    createNetwork: async (body) => readCreatedId(await call({ method: 'POST', path: '/networks/create', body })),
    inspectNetwork: (name) =>
      call({ method: 'GET', path: `/networks/${encodeURIComponent(name)}` }).then(readNetwork, missing),
    async removeNetwork(name) {
      await call({ method: 'DELETE', path: `/networks/${encodeURIComponent(name)}` }).catch(except(NOT_FOUND))
    },
    close: () => transport.close(),
  }
}

/** There is no version of the API that both sides speak. */
export class UnspokenApi extends Error {
  override readonly name = 'UnspokenApi'
}

/** The newest version that both sides speak. Throws with what to do when there is none. */
export function agreedVersion(engine: EngineVersion, where: string): string {
  const { apiVersion, minApiVersion } = engine
  if (compareVersions(apiVersion, OLDEST_API) < 0) {
    throw new UnspokenApi(
      `the Docker Engine ${engine.engine} at ${where} speaks version ${apiVersion} of its API at most, and ${OLDEST_API} is needed: install Docker Engine 19.03 or newer`,
    )
  }
  if (compareVersions(minApiVersion, NEWEST_API) > 0) {
    throw new UnspokenApi(
      `the Docker Engine ${engine.engine} at ${where} speaks no version of its API before ${minApiVersion}, and this Stave knows none after ${NEWEST_API}: install a newer Stave`,
    )
  }
  return compareVersions(apiVersion, NEWEST_API) < 0 ? apiVersion : NEWEST_API
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split('.').map(Number))
  return (a?.[0] ?? 0) - (b?.[0] ?? 0) || (a?.[1] ?? 0) - (b?.[1] ?? 0)
}

/** Name and tag (or digest) for a pull; without one it is `latest`: the engine would take all tags there are. */
function pullName(reference: string): { readonly name: string; readonly tag: string } {
  const at = reference.indexOf('@')
  if (at >= 0) return { name: reference.slice(0, at).replace(/:[^/:]*$/, ''), tag: reference.slice(at + 1) }
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1)
  return colon < 0
    ? { name: reference, tag: 'latest' }
    : { name: reference.slice(0, colon), tag: reference.slice(colon + 1) }
}

function filters(wanted: Readonly<Record<string, readonly string[]>>): string {
  return encodeURIComponent(JSON.stringify(wanted))
}

/** Passes over answers with these statuses. */
function except(...statuses: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof EngineError && statuses.includes(error.status)) return undefined
    throw error
  }
}

/** Passes over conflicts that say so. */
function unless(reason: RegExp): (error: unknown) => undefined {
  return (error) => {
    if (
      error instanceof EngineError &&
      (error.status === CONFLICT || error.status === 500) &&
      reason.test(error.message)
    )
      return undefined
    throw error
  }
}

function missing(error: unknown): undefined {
  return except(NOT_FOUND)(error)
}

/** The text of framed output. */
function unframed(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return Buffer.concat(parts)
}
