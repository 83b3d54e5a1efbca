/** The images on the engine: looked up once, pulled by policy, each by one pull at a time whoever waits for it. */

import type { Clock } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { deadlineIn, remainingMs } from '../../model/deadline.ts'
import { isLatest } from '../../model/image-reference.ts'
import { ContainerStartError } from '../container-factory.ts'
import { createStartGate } from '../host/start-gate.ts'
import type { ImageInspection, PullProgress } from './engine-answers.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError } from './engine-transport.ts'
import { registryAuth } from './registry-auth.ts'
import type { DockerLog, ImageSettings } from './settings.ts'

/** A pull under way. */
export interface PullReport {
  readonly image: string
  readonly sinceMs: number
  readonly layers: number
  readonly layersDone: number
  readonly currentBytes: number
  readonly totalBytes: number
}

export interface ImageStore {
  /** Counters only grow. */
  readonly counters: { pulls: number; pullFailures: number }
  /**
   * Resolves when the image may be run: pulled, where the policy says so for an image of a user (`ownedByUser`) or a runtime's. Rejects with
   * `ContainerStartError`: `imageNotFound`, or `timedOut` when the pull goes on beyond the deadline.
   */
  ensure(image: string, ownedByUser: boolean, deadline: Deadline): Promise<ImageInspection>
  /** A container is going to be made of it: until the returned function is called it is not to be removed. */
  hold(image: string): () => void
  isHeld(image: string): boolean
  /** The engine said that it has no such image: what was known of it does not hold any more. */
  forget(image: string): void
  pulls(): readonly PullReport[]
}

export interface ImageStoreDeps {
  readonly client: Pick<EngineClient, 'inspectImage' | 'pullImage'>
  readonly settings: ImageSettings
  readonly clock: Clock
  readonly log: DockerLog
  /** Told when an image was pulled, and when one is used. */
  readonly used: (image: string, pulled: boolean) => void
}

interface Pull {
  readonly since: number
  readonly layers: Map<string, PullProgress>
  readonly done: Promise<void>
}

/** How often the log tells how far a pull is, in ms. */
const PROGRESS_MS = 5000
/** Pulls go on when nobody waits for them any more: more than this many at once only make each other late. */
const PULLS_AT_ONCE = 10
const LONGEST_WAIT_MS = 600_000
/** Longer than until the deadline an engine may take to look at an image, in ms. */
const INSPECT_GRACE_MS = 5000
const LAYER_DONE = /^(Pull complete|Already exists|Download complete)$/

export function createImageStore({ client, settings, clock, log, used }: ImageStoreDeps): ImageStore {
  const known = new Map<string, ImageInspection>()
  const pulls = new Map<string, Pull>()
  /** How many containers are being made of each. */
  const holders = new Map<string, number>()
  const counters = { pulls: 0, pullFailures: 0 }
  const gate = createStartGate(PULLS_AT_ONCE, clock)

  async function inspect(image: string, deadline: Deadline): Promise<ImageInspection | undefined> {
    const found =
      known.get(image) ?? (await client.inspectImage(image, remainingMs(deadline, clock) + INSPECT_GRACE_MS))
    if (found !== undefined) known.set(image, found)
    return found
  }

  function pull(image: string): Pull {
    const underWay = pulls.get(image)
    if (underWay !== undefined) return underWay
    const since = clock.monotonic()
    const layers = new Map<string, PullProgress>()
    log.info({ image }, `pulling the image ${image}`)
    counters.pulls++
    const done = pullInTurn(image, since, layers)
    const started: Pull = { since, layers, done }
    pulls.set(image, started)
    done.then(
      () => {
        pulls.delete(image)
        known.delete(image)
        used(image, true)
        log.info({ image, ms: Math.round(clock.monotonic() - since) }, `pulled the image ${image}`)
      },
      (error: unknown) => {
        pulls.delete(image)
        counters.pullFailures++
        log.warn({ image, error }, `the image ${image} could not be pulled`)
      },
    )
    return started
  }

  async function pullInTurn(image: string, since: number, layers: Map<string, PullProgress>): Promise<void> {
    const leave = await gate.enter(deadlineIn(LONGEST_WAIT_MS, clock))
    let saidAt = since
    try {
      const onProgress = (progress: PullProgress): void => {
        if (progress.layer !== undefined) layers.set(progress.layer, progress)
        if (clock.monotonic() - saidAt < PROGRESS_MS) return
        saidAt = clock.monotonic()
        const report = reportOf(image, since, layers, clock)
        log.info(report, `pulling the image ${image}: ${progressText(report)}`)
      }
      await client.pullImage(image, onProgress, await registryAuth(settings.authFile, image))
    } finally {
      leave()
    }
  }

  /** Waits for a pull, not longer than the deadline. The pull goes on: whoever comes next finds it further. */
  async function pulled(image: string, deadline: Deadline): Promise<void> {
    const { done } = pull(image)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), remainingMs(deadline, clock)).unref()
    })
    try {
      if ((await Promise.race([done, late])) === 'late') {
        throw new ContainerStartError('timedOut', `the image ${image} is still being pulled`)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    counters,
    async ensure(image, ownedByUser, deadline) {
      used(image, false)
      const when = ownedByUser ? pullOfUsers(image, settings) : pullOfRuntimes(settings)
      try {
        if (when === 'always') await pulled(image, deadline)
        else if (when === 'tried') await pulled(image, deadline).catch(passOverFailure)
        const found = await inspect(image, deadline)
        if (found !== undefined) return found
        if (when === 'never')
          throw new Error(`it is not on the engine, and the policy is not to pull it (docker.pullPolicy)`)
        await pulled(image, deadline)
        const now = await inspect(image, deadline)
        if (now !== undefined) return now
        throw new Error('it is not there although it was pulled')
      } catch (error) {
        if (error instanceof ContainerStartError) throw error
        if (!(error instanceof EngineError) && error instanceof Error && error.name === 'EngineUnreachable') {
          throw new ContainerStartError('startFailed', error.message, { cause: error })
        }
        throw new ContainerStartError('imageNotFound', `the image ${image} could not be had: ${messageOf(error)}`, {
          cause: error,
        })
      }
    },
    hold(image) {
      holders.set(image, (holders.get(image) ?? 0) + 1)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        const left = (holders.get(image) ?? 1) - 1
        if (left > 0) holders.set(image, left)
        else holders.delete(image)
      }
    },
    isHeld: (image) => holders.has(image),
    forget: (image) => known.delete(image),
    pulls: () => [...pulls].map(([image, { since, layers }]) => reportOf(image, since, layers, clock)),
  }
}

/** A copy that is here will do; that the time is over is another matter. */
function passOverFailure(error: unknown): void {
  if (error instanceof ContainerStartError) throw error
}

function pullOfRuntimes({ pullPolicy }: ImageSettings): 'never' | 'missing' {
  return pullPolicy === 'never' ? 'never' : 'missing'
}

/** OpenWhisk: an image without a tag, or with `latest`, must be pulled before each start; of another tag, a copy that is here will do. */
function pullOfUsers(
  image: string,
  { pullPolicy, localImagePrefix }: ImageSettings,
): 'never' | 'missing' | 'always' | 'tried' {
  if (localImagePrefix !== '' && image.startsWith(localImagePrefix)) return 'never'
  switch (pullPolicy) {
    case 'never':
      return 'never'
    case 'always':
      return 'always'
    case 'ifNotPresent':
      return 'missing'
    case 'openwhisk':
      return isLatest(image) ? 'always' : 'tried'
  }
}

/** The name with the configured registry in front, unless it names one itself. */
export function withRegistry(image: string, registry: string): string {
  const [first = ''] = image.split('/', 1)
  const named = image.includes('/') && (/[.:]/.test(first) || first === 'localhost')
  return registry === '' || named ? image : `${registry.replace(/\/+$/, '')}/${image}`
}

function reportOf(image: string, since: number, layers: Pull['layers'], clock: Clock): PullReport {
  let layersDone = 0
  let currentBytes = 0
  let totalBytes = 0
  for (const { status, currentBytes: current = 0, totalBytes: total = 0 } of layers.values()) {
    const done = LAYER_DONE.test(status)
    if (done) layersDone++
    currentBytes += done ? total : current
    totalBytes += total
  }
  const sinceMs = Math.round(clock.monotonic() - since)
  return { image, sinceMs, layers: layers.size, layersDone, currentBytes, totalBytes }
}

/** How far a pull is, for people. */
export function progressText({ layers, layersDone, currentBytes, totalBytes }: PullReport): string {
  if (layers === 0) return 'asking the registry'
  const share = totalBytes === 0 ? 0 : Math.floor((100 * currentBytes) / totalBytes)
  return `${layersDone} of ${layers} layers, ${Math.round(currentBytes / 1e6)} of ${Math.round(totalBytes / 1e6)} MB (${share} %)`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
