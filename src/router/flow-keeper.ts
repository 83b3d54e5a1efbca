/** What makes a flow outlive the process: its state is noted durably before each step may reach a container. */

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
  /** Resolves when what is not noted yet is: the flow leaves this process. */
  suspended(state: FlowState): Promise<void>
}
