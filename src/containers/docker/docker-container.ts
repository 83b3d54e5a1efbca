/** One container of the engine, from the moment its runtime listens until nothing is left of it. */

import type { Container, ContainerEnd, ContainerSpec } from '../container-factory.ts'
import type { HttpChannel } from '../http/http-channel.ts'
import type { Pause } from '../pause/falling-back-pause.ts'
import type { PauseTarget } from '../pause/pause-strategy.ts'
import { bounded } from './bounded.ts'
import type { ContainerLog } from './container-log.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError } from './engine-transport.ts'
import type { Relabelled } from './listed-labels.ts'
import type { DockerLog } from './settings.ts'

export interface DockerContainerDeps {
  readonly client: Pick<EngineClient, 'inspectContainer' | 'removeContainer' | 'setMemory'>
  readonly pause: Pick<Pause, 'suspend' | 'resume' | 'thaw' | 'forget'>
  readonly channel: HttpChannel
  readonly log: ContainerLog
  readonly logger: DockerLog
  readonly relabelled: Relabelled
  /** Called when the engine could not be asked to remove it: whoever lists containers later removes it. */
  readonly leftBehind: (engineId: string) => void
}

export interface DockerContainer extends Container {
  readonly engineId: string
  /** The engine says, or a listing shows, that it has ended. `exitCode` where it tells. Idempotent. */
  exited(exitCode: number | undefined): void
}

/** 128 + 6: abort(), which is how V8 ends when its heap is exhausted, after it has said so on standard error. */
const ABORTED = 134
const HEAP_EXHAUSTED = 'JavaScript heap out of memory'
const UNKNOWN_EXIT = -1
/** The engine sends the rest of the output at once when a container has ended. */
const LAST_OUTPUT_MS = 2000
/** The parts of a removal, which is to be over within 30 s even when the engine does not answer. */
const REMOVAL_MS = 20_000
const INSPECTION_MS = 3000
/** A connection breaks off some ms before the engine has noticed that the container ended, and why. */
const NEWS_MS = 1000
const MB = 1024 * 1024

export interface StartedContainer {
  readonly spec: ContainerSpec
  readonly node: string
  readonly engineId: string
  readonly pid: number
  /** It holds its action already: it was adopted, not created. */
  readonly initialised: boolean
}

/** The handle of a container that runs. */
export function runningContainer(started: StartedContainer, deps: DockerContainerDeps): DockerContainer {
  const { spec, node, engineId, pid, initialised } = started
  const { client, pause, channel, log } = deps
  const target: PauseTarget = { containerId: engineId, pid }
  const exit = Promise.withResolvers<number>()
  const state = { over: false, destroyed: false, suspended: false }
  let removing: Promise<void> | undefined

  const remove = (): Promise<void> => {
    removing ??= bounded(REMOVAL_MS, removeThawed())
    return removing
  }

  async function removeThawed(): Promise<void> {
    // A frozen process takes no signal, and the engine waits for it.
    if (!state.over) await pause.thaw(target)
    try {
      await client.removeContainer(engineId)
    } catch (error) {
      deps.logger.warn({ container: spec.id, engineId, error }, 'a container could not be removed; it is tried again')
      deps.leftBehind(engineId)
    }
  }

  async function end(exitCode: number): Promise<ContainerEnd> {
    const wanted = state.destroyed
    state.over = true
    const cause = await causeOf(exitCode, wanted)
    await bounded(LAST_OUTPUT_MS, log.read)
    log.stop()
    channel.close()
    await remove()
    pause.forget(target)
    if (deps.relabelled.entries.delete(engineId)) deps.relabelled.save()
    return cause
  }

  async function causeOf(exitCode: number, wanted: boolean): Promise<ContainerEnd> {
    // It is being removed: the engine has nothing more to tell.
    if (removing !== undefined) return { cause: 'destroyed' }
    let code = exitCode
    try {
      const { outOfMemory, exitCode: told } = await client.inspectContainer(engineId, INSPECTION_MS)
      if (outOfMemory) return { cause: 'outOfMemory' }
      if (code === UNKNOWN_EXIT) code = told
    } catch (error) {
      if (wanted) return { cause: 'destroyed' }
      if (code === UNKNOWN_EXIT) return { cause: 'lost', reason: describe(error) }
    }
    if (code === ABORTED && log.lastText.includes(HEAP_EXHAUSTED)) return { cause: 'outOfMemory' }
    return wanted ? { cause: 'destroyed' } : { cause: 'exited', code }
  }

  const ended = exit.promise.then(end)

  return {
    spec,
    node,
    channel,
    ended,
    engineId,
    ...(initialised && { initialised }),
    exited: (code) => exit.resolve(code ?? UNKNOWN_EXIT),
    async resize(memoryMb) {
      if (state.over || state.destroyed) return false
      try {
        await client.setMemory(engineId, memoryMb * MB)
        return true
      } catch (error) {
        deps.logger.warn({ container: spec.id, memoryMb, error }, 'the memory of a container could not be changed')
        return false
      }
    },
    relabel(labels) {
      if (state.over || state.destroyed) return
      deps.relabelled.entries.set(engineId, labels)
      deps.relabelled.save()
    },
    async suspend() {
      if (state.over || state.destroyed || state.suspended) return
      channel.rest()
      await pause.suspend(target)
      state.suspended = true
    },
    resume() {
      if (state.over || !state.suspended) return
      const resumed = pause.resume(target)
      if (resumed === undefined) {
        state.suspended = false
        return
      }
      return resumed.then(() => {
        state.suspended = false
      })
    },
    async destroy() {
      if (!state.over && !state.destroyed) {
        state.destroyed = true
        await settleCause()
      }
      await ended
    },
  }

  /** Who destroys a container because its line broke must not hide that it ended by itself: the engine is heard first. */
  async function settleCause(): Promise<void> {
    if (channel.broken) await bounded(NEWS_MS, exit.promise)
    if (state.over) return
    const found = await client.inspectContainer(engineId, INSPECTION_MS).catch(() => undefined)
    if (found !== undefined && !found.running && !found.paused) {
      state.destroyed = false
      exit.resolve(found.exitCode)
      return
    }
    await remove()
    exit.resolve(UNKNOWN_EXIT)
  }
}

function describe(error: unknown): string {
  if (error instanceof EngineError && error.status === 404) return 'the engine does not know it any more'
  return error instanceof Error ? error.message : String(error)
}
