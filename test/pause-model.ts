/**
 * For tests: containers as kernel, runc and engine see them. The freezer is one switch; the engine also has an opinion of its own, which is wrong as soon
 * as somebody else has used the switch. Each strategy can be made to fail before its effect, after it, or to say that it cannot work.
 */

import type { PauseName, PauseStrategy, PauseTarget } from '../src/containers/pause/pause-strategy.ts'
import { PauseUnusable } from '../src/containers/pause/pause-strategy.ts'

export type Fault = 'none' | 'before' | 'after' | 'container' | 'node'

export interface PauseModel {
  /** The fault of the next call of a strategy; taken once a call. */
  nextFault: (strategy: PauseName, call: 'suspend' | 'resume') => Fault
  /** Calls in order: `cgroup suspend a`. */
  readonly calls: string[]
  isFrozen(target: PauseTarget): boolean
  /** What the engine thinks. */
  isPaused(target: PauseTarget): boolean
  strategy(name: PauseName): PauseStrategy
}

export function createPauseModel(): PauseModel {
  const frozen = new Set<string>()
  const paused = new Set<string>()
  const calls: string[] = []
  const model: PauseModel = {
    nextFault: () => 'none',
    calls,
    isFrozen: ({ containerId }) => frozen.has(containerId),
    isPaused: ({ containerId }) => paused.has(containerId),
    strategy: (name) => ({
      name,
      suspend: ({ containerId }) => attempt(name, 'suspend', containerId, () => suspendBy(name, containerId)),
      resume: (target) =>
        // As the real one: done when it returns, and throws.
        name === 'cgroup'
          ? act(name, 'resume', target.containerId, () => frozen.delete(target.containerId))
          : attempt(name, 'resume', target.containerId, () => resumeBy(name, target.containerId)),
    }),
  }
  return model

  function suspendBy(name: PauseName, containerId: string): void {
    if (name === 'none') return
    if (name === 'docker') {
      if (paused.has(containerId)) return
      // The engine has runc do it, which refuses what it sees frozen.
      if (frozen.has(containerId)) throw new Error('OCI runtime pause failed: container not running')
      paused.add(containerId)
    }
    if (name === 'runc' && frozen.has(containerId)) throw new Error('container not running')
    frozen.add(containerId)
  }

  function resumeBy(name: PauseName, containerId: string): void {
    if (name === 'none') return
    if (name === 'docker') {
      // "is not paused" and "container not paused" both count as done: it asks no further.
      if (!paused.has(containerId) || !frozen.has(containerId)) return
      paused.delete(containerId)
    }
    frozen.delete(containerId)
  }

  function act(name: PauseName, call: 'suspend' | 'resume', containerId: string, effect: () => void): void {
    calls.push(`${name} ${call} ${containerId}`)
    const fault = model.nextFault(name, call)
    if (fault === 'container' || fault === 'node') throw new PauseUnusable(fault, `${name} cannot work here`)
    if (fault === 'before') throw new Error(`${name} failed before`)
    effect()
    if (fault === 'after') throw new Error(`${name} failed after`)
  }

  async function attempt(
    name: PauseName,
    call: 'suspend' | 'resume',
    containerId: string,
    effect: () => void,
  ): Promise<void> {
    await Promise.resolve()
    act(name, call, containerId, effect)
  }
}
