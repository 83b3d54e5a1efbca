/** One way of stopping and continuing all processes of an engine's container. Every strategy passes test/conformance/pause-strategy.ts. */

/** In the order in which `auto` prefers them: the cheapest first. */
export const PAUSE_NAMES = ['cgroup', 'runc', 'docker', 'none'] as const

export type PauseName = (typeof PAUSE_NAMES)[number]

export interface PauseTarget {
  /** The engine's full id of the container. */
  readonly containerId: string
  /** Process id, on the engine's host, of the container's first process; 0 where it is not known. */
  readonly pid: number
}

export interface PauseStrategy {
  readonly name: PauseName
  /**
   * Stops all processes of a running container; resolves when they have stopped. Bounded by 10 s. Rejects when it failed: the container may be
   * frozen, running or half of each then, and whoever called resumes it; with `PauseUnusable` nothing was done to it.
   */
  suspend(target: PauseTarget): Promise<void>
  /**
   * Undoes `suspend`. Idempotent: does nothing to a container that runs; may fail for one that has ended. Strategies whose work is one write are done when it returns
   * (and throw); the others resolve within 10 s. After a failure the container's state is unknown.
   */
  resume(target: PauseTarget): void | Promise<void>
}

/** What a failure is about: this container, or every container of this host from now on. */
export type UnusableScope = 'container' | 'node'

/** The strategy does not work here. Nothing was done to the container: it runs, or is frozen, as before. */
export class PauseUnusable extends Error {
  override readonly name = 'PauseUnusable'
  readonly scope: UnusableScope

  constructor(scope: UnusableScope, message: string, options?: ErrorOptions) {
    super(message, options)
    this.scope = scope
  }
}

/**
 * True when what `by` resumes includes what `frozenBy` has frozen. The freezer is one switch under all of them: whoever writes to it, or has runc do so,
 * undoes the others. The engine only undoes its own: it takes a container that others froze for one that runs.
 */
export function undoes(by: PauseName, frozenBy: PauseName): boolean {
  return frozenBy === 'none' || by === frozenBy || by === 'cgroup' || by === 'runc'
}
