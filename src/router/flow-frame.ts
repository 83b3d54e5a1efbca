/**
 * A flow is a sequence or a composition under way. Flows lie in flows; each has a frame, which is plain data: the journal keeps it, and after a crash the
 * flow goes on from there. What a frame wants next, and what it makes of the end of a step, is decided in sequence.ts and composition.ts.
 */

import type { Outcome } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { Observed } from './resolved-action.ts'

/** What the record of a flow says of the action that it is a run of. */
export interface FlowHead {
  readonly name: string
  readonly filter: string
  readonly version: string
  /** Leading members of the annotations, as JSON text without the closing bracket. */
  readonly annotationsHead: string
  readonly timeoutMs: number
  readonly logsMb: number
  readonly observed: Observed
}

interface FrameBase {
  readonly activationId: ActivationId
  /** The name by which it was called: through a binding, it is the binding's. */
  readonly calledAs: FullyQualifiedName
  readonly head: FlowHead
  /** ms since the epoch. */
  readonly startedAt: number
  /** ms from the arrival of the call to the start. */
  readonly waitMs: number
  /** Activations of its own steps, in order. */
  readonly ids: ActivationId[]
  /** Sum of the durations of its steps in ms. */
  durationMs: number
  /** Largest memory limit of a step in MB; undefined while none has ended. */
  memoryMb?: number | undefined
  /** JSON text that the next step receives. */
  input: string
  /** Set once it is over. */
  outcome?: Outcome | undefined
}

export interface SequenceFrame extends FrameBase {
  readonly type: 'sequence'
  readonly components: readonly FullyQualifiedName[]
  /** Index of the component whose turn it is. */
  next: number
  /** Atomic actions that have been run on behalf of the outermost sequence. */
  atoms: number
  /** What the last component came to. */
  last?: Outcome | undefined
}

export interface CompositionFrame extends FrameBase {
  readonly type: 'composition'
  /** What the conductor asked for; undefined: it is its own turn. */
  component?: FullyQualifiedName | undefined
  /** JSON text of the object that the conductor wants back. */
  state?: string | undefined
  /** Runs so far, together with the compositions around this one: of conductors, and of components. */
  conductorRuns: number
  componentRuns: number
}

export type Frame = SequenceFrame | CompositionFrame

/** What a frame wants done. */
export type Want =
  /** Its own action is to be run. */
  | { readonly type: 'conductor' }
  | { readonly type: 'component'; readonly name: FullyQualifiedName }
  | { readonly type: 'end'; readonly outcome: Outcome }

/** What came of it. */
export type StepEnd =
  | {
      readonly type: 'ended'
      readonly activationId: ActivationId
      readonly outcome: Outcome
      readonly durationMs: number
      readonly memoryMb: number | undefined
      /** The frame of a flow that ran as this step. */
      readonly inner?: Frame
    }
  /** There is no such action; no such package; it may not be called, or not now. */
  | { readonly type: 'missing' | 'packageMissing' }
  | { readonly type: 'denied'; readonly message: string }
  /** The platform could not run it. */
  | { readonly type: 'failed' }

/** Counts a step that has ended. */
export function tally(
  frame: Frame,
  end: Pick<Extract<StepEnd, { type: 'ended' }>, 'activationId' | 'durationMs' | 'memoryMb'>,
): void {
  frame.ids.push(end.activationId)
  frame.durationMs += end.durationMs
  if (end.memoryMb !== undefined) frame.memoryMb = Math.max(frame.memoryMb ?? 0, end.memoryMb)
}
