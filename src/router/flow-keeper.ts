/** Makes a flow outlive the process: its state is noted in the journal before each step may reach a container. */

import type { FlowState } from './flow-state.ts'

export interface FlowKeeper {
  /** ms that a step may wait for a container. */
  readonly stepWaitMs: number
  /** Nothing new is to be begun. */
  isPaused(): boolean
  /** A step has ended, and is recorded: the state has something to tell that was not noted. */
  changed(): void
  /** Resolves when the state is noted: the step may begin now. */
  beginning(state: FlowState): Promise<void>
  /** The step has to wait: what has ended before it is noted meanwhile. */
  waiting(state: FlowState): void
  /** Resolves when the flow can go on elsewhere from where it is. */
  suspended(state: FlowState): Promise<void>
}

export interface FlowKeeperOptions {
  /** Writes the text of a state. */
  readonly note: (progress: string) => Promise<void>
  readonly isPaused: () => boolean
  readonly stepWaitMs: number
  /** A state of the flow was noted by an earlier process. */
  readonly noted: boolean
}

/**
 * A keeper that writes once a step where no step has to wait: that one has ended and that the next one begins is one note. Nothing of it is on the path
 * of callers who wait.
 */
export function createFlowKeeper({ note, isPaused, stepWaitMs, noted }: FlowKeeperOptions): FlowKeeper {
  let everNoted = noted
  let dirty = false

  async function write(state: FlowState): Promise<void> {
    dirty = false
    try {
      await note(JSON.stringify(state))
      everNoted = true
    } catch (error) {
      dirty = true
      throw error
    }
  }

  return {
    stepWaitMs,
    isPaused,
    changed() {
      dirty = true
    },
    beginning: write,
    waiting(state) {
      // The note that has to succeed is the one before the step begins.
      if (dirty) write(state).catch(() => undefined)
    },
    async suspended(state) {
      if (dirty || everNoted) await write(state)
    },
  }
}
