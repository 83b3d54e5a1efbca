/**
 * Suspension that never costs a call: what a strategy fails at is undone, what it left frozen is thawed by another one, and a strategy that cannot work
 * here is replaced. One object serves all containers of an engine.
 */

import type { Logger } from '../../telemetry/logger.ts'
import type { PauseName, PauseStrategy, PauseTarget } from './pause-strategy.ts'
import { PAUSE_NAMES, PauseUnusable, undoes } from './pause-strategy.ts'

export interface PauseCounters {
  suspends: number
  resumes: number
  /** Failures by the strategy that failed. */
  readonly suspendFailures: Record<PauseName, number>
  readonly resumeFailures: Record<PauseName, number>
  /** Resumes that a second strategy was asked for. */
  retries: number
  /** Resumes that no strategy could do: the platform takes another container. */
  rejectedResumes: number
  /** Strategies given up for good. */
  fallBacks: number
  /** Failed suspensions that could not be undone for certain: such containers count as suspended. */
  uncertain: number
}

export interface Pause {
  /** The strategy that suspends containers from now on. */
  readonly chosen: PauseName
  readonly counters: Readonly<PauseCounters>
  /**
   * Resolves when the container has stopped, or may have: it must be resumed before it is used. Rejects when it could not be stopped; then it runs for
   * certain and can be used. Idempotent.
   */
  suspend(target: PauseTarget): Promise<void>
  /**
   * Lets a suspended container run again, by the strategy that suspended it and, should that fail, by one other. Done when it returns undefined. Rejects
   * when the container's state is unknown: thaw and remove it. Does nothing to a container that this object did not suspend.
   */
  resume(target: PauseTarget): void | Promise<void>
  /** To be awaited before a container is stopped or removed: a frozen one cannot end. Never rejects; false when it may still be frozen. */
  thaw(target: PauseTarget): Promise<boolean>
  /** The same for a container of an earlier process: of one that the engine calls paused it is known that the engine did it, any other may be any strategy's. */
  thawLeftover(target: PauseTarget, paused: boolean): Promise<boolean>
  /** Whether the kernel holds the container, whoever asked it to; undefined where that cannot be read. */
  isFrozen(target: PauseTarget): boolean | undefined
  /** The container is gone. */
  forget(target: PauseTarget): void
  /**
   * Suspends by another strategy from now on; containers that are suspended are resumed by the one that did it. `auto` is the best that works here. Throws
   * with the reason when that one cannot be used here. Returns the strategy in force.
   */
  use(name: PauseName | 'auto'): PauseName
}

export interface PauseDeps {
  /** All that can resume: those that cannot be chosen, but may still thaw, included. */
  readonly strategies: readonly PauseStrategy[]
  readonly chosen: PauseName
  /** Why some cannot be chosen here. */
  readonly unusable: ReadonlyMap<PauseName, string>
  /** Whether the kernel holds the container, whoever asked it to; undefined where that cannot be read. */
  readonly isFrozen: (target: PauseTarget) => boolean | undefined
  readonly log: Logger
}

interface Held {
  /** What has frozen it, or has tried and failed to undo that. */
  readonly by: PauseName
  /** The suspension under way. */
  work: Promise<void> | undefined
}

/** Containers that a strategy which has never worked cannot reach before it is given up. */
const UNREACHABLE = 3

export function createPause(deps: PauseDeps): Pause {
  const { isFrozen, log } = deps
  const byName = new Map(deps.strategies.map((strategy) => [strategy.name, strategy]))
  /** Strategies that turned out not to work. */
  const givenUp = new Set<PauseName>()
  const held = new Map<string, Held>()
  const counters: PauseCounters = {
    suspends: 0,
    resumes: 0,
    suspendFailures: { cgroup: 0, runc: 0, docker: 0, none: 0 },
    resumeFailures: { cgroup: 0, runc: 0, docker: 0, none: 0 },
    retries: 0,
    rejectedResumes: 0,
    fallBacks: 0,
    uncertain: 0,
  }
  /** Strategies that have worked: what they do not reach is a container that has ended. */
  const proven = new Set<PauseName>()
  let chosen = deps.chosen
  let unreachable = 0

  function strategyOf(name: PauseName): PauseStrategy {
    const strategy = byName.get(name)
    if (strategy === undefined) throw new Error(`there is no strategy ${name}`)
    return strategy
  }

  /** Others that may thaw what `by` froze: those that do so for certain first. */
  function othersThan(by: PauseName): readonly PauseStrategy[] {
    return PAUSE_NAMES.flatMap((name) => {
      const strategy = name === by || name === 'none' ? undefined : byName.get(name)
      return strategy === undefined ? [] : [strategy]
    }).toSorted((a, b) => Number(undoes(b.name, by)) - Number(undoes(a.name, by)))
  }

  /** Asks one strategy to thaw what `by` froze. Rejects when that cannot be said to have happened. */
  async function thawBy(strategy: PauseStrategy, target: PauseTarget, by: PauseName): Promise<void> {
    try {
      await strategy.resume(target)
    } catch (error) {
      counters.resumeFailures[strategy.name]++
      throw error
    }
    if (!undoes(strategy.name, by) && isFrozen(target) !== false)
      throw new Error(`${strategy.name} does not resume what ${by} has suspended`)
  }

  /** Asks one after the other until one has done it; true when one has. */
  async function thawByAny(strategies: readonly PauseStrategy[], target: PauseTarget, by: PauseName): Promise<boolean> {
    for (const strategy of strategies) {
      try {
        await thawBy(strategy, target, by)
        return true
      } catch (error) {
        log.debug({ error, container: target.containerId, strategy: strategy.name }, 'a container was not thawed')
      }
    }
    return false
  }

  async function suspend(target: PauseTarget, entry: Held): Promise<void> {
    const { by } = entry
    try {
      await strategyOf(by).suspend(target)
      counters.suspends++
      proven.add(by)
    } catch (error) {
      counters.suspendFailures[by]++
      if (error instanceof PauseUnusable) {
        held.delete(target.containerId)
        reconsider(by, error)
        throw error
      }
      if (await thawByAny([strategyOf(by), ...othersThan(by).slice(0, 1)], target, by)) {
        held.delete(target.containerId)
        throw error
      }
      // It may be frozen: whoever wants to use it has to resume it first, and finds out.
      counters.uncertain++
      log.warn({ error, container: target.containerId, strategy: by }, 'a container may be half suspended')
    }
  }

  /** Gives a strategy up that cannot work here, or that has reached none of the first containers. */
  function reconsider(name: PauseName, error: PauseUnusable): void {
    if (error.scope === 'container' && (proven.has(name) || ++unreachable < UNREACHABLE)) return
    unreachable = 0
    givenUp.add(name)
    if (chosen !== name) return
    chosen = best()
    counters.fallBacks++
    const remedy =
      name === 'runc'
        ? 'set INVOKER_USE_RUNC=false (docker.pause: docker), or give the platform the engine’s runc'
        : 'set docker.pause, or docker.paths where they are wrong'
    log.warn(
      { error, strategy: name, instead: chosen },
      `containers cannot be suspended by ${name} here: from now on by ${chosen}; ${remedy}`,
    )
  }

  function best(): PauseName {
    return PAUSE_NAMES.find((name) => byName.has(name) && !deps.unusable.has(name) && !givenUp.has(name)) ?? 'none'
  }

  /** The second attempt of a resume, and the last. */
  async function retry(target: PauseTarget, by: PauseName, error: unknown): Promise<void> {
    counters.resumeFailures[by]++
    const [other] = othersThan(by)
    if (other !== undefined) {
      counters.retries++
      log.warn({ error, container: target.containerId, strategy: by }, `a resume failed and is tried by ${other.name}`)
      if (await thawByAny([other], target, by)) return resumed(target)
    }
    counters.rejectedResumes++
    throw error
  }

  function resumed(target: PauseTarget): void {
    counters.resumes++
    held.delete(target.containerId)
  }

  function resume(target: PauseTarget, { by }: Held): void | Promise<void> {
    try {
      const done = strategyOf(by).resume(target)
      if (done === undefined) return resumed(target)
      return done.then(
        () => resumed(target),
        (error: unknown) => retry(target, by, error),
      )
    } catch (error) {
      return retry(target, by, error)
    }
  }

  return {
    get chosen() {
      return chosen
    },
    counters,
    async suspend(target) {
      const known = held.get(target.containerId)
      if (known !== undefined) return known.work
      const entry: Held = { by: chosen, work: undefined }
      held.set(target.containerId, entry)
      entry.work = suspend(target, entry).finally(() => {
        entry.work = undefined
      })
      return entry.work
    },
    resume(target) {
      const entry = held.get(target.containerId)
      if (entry === undefined) return undefined
      if (entry.work === undefined) return resume(target, entry)
      // What a suspension leaves the container in must be known before it is undone.
      return entry.work.then(
        () => resume(target, entry),
        () => undefined,
      )
    },
    async thaw(target) {
      const entry = held.get(target.containerId)
      await entry?.work?.catch(() => undefined)
      if (entry === undefined || !held.has(target.containerId)) return true
      const { by } = entry
      const thawed = await thawByAny([strategyOf(by), ...othersThan(by)], target, by)
      if (thawed) held.delete(target.containerId)
      return thawed
    },
    async thawLeftover(target, paused) {
      // The engine first: where it has paused the container itself, it is to know that this is over.
      const strategies = [...byName.values()].filter(({ name }) => name !== 'none')
      const inOrder = strategies.toSorted((a, b) => Number(b.name === 'docker') - Number(a.name === 'docker'))
      // Whoever it was, nobody leaves it in a state that is harder to undo than a write to the freezer.
      const thawed = await thawByAny(inOrder, target, paused ? 'docker' : 'cgroup')
      held.delete(target.containerId)
      return thawed
    },
    isFrozen,
    forget(target) {
      held.delete(target.containerId)
    },
    use(name) {
      if (name === 'auto') return (chosen = best())
      const reason = deps.unusable.get(name) ?? (byName.has(name) ? undefined : 'it is not there')
      if (reason !== undefined) throw new Error(`containers cannot be suspended by ${name} here: ${reason}`)
      // One that was given up is tried anew: who names it knows what has been mended.
      givenUp.delete(name)
      return (chosen = name)
    },
  }
}
