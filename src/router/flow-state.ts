/** The frames of a flow, one in the other, as one state machine: what is to be done next, and what came of it. Plain data, and functions that change it. */

import type { ActivationId } from '../model/ids.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { compositionTakes, compositionWants } from './composition.ts'
import type { FlowHead, Frame, StepEnd, Want } from './flow-frame.ts'
import type { Observed } from './resolved-action.ts'
import type { Invocable } from './resolved-sequence.ts'
import { sequenceTakes, sequenceWants } from './sequence.ts'

/** The run of an action on behalf of the innermost frame, from the choice of its id to its record. */
export interface Step {
  readonly activationId: ActivationId
  /** What its record says should it be cut off. */
  readonly record: {
    readonly name: string
    readonly filter: string
    readonly version: string
    readonly annotationsHead: string
  }
  readonly memoryMb: number
  /** It may be begun again after having been cut off. */
  readonly idempotent: boolean
  /** It may have reached a container. */
  begun: boolean
}

export interface FlowState {
  /** The outermost first. Empty once the flow is over. */
  readonly frames: Frame[]
  step?: Step | undefined
}

/** What a new frame begins with. */
export interface Beginning {
  readonly activationId: ActivationId
  readonly calledAs: FullyQualifiedName
  /** ms since the epoch, and ms from the call to then. */
  readonly startedAt: number
  readonly waitMs: number
  /** JSON text. */
  readonly input: string
}

/** A flow whose outermost frame is a run of `action`. */
export function beginFlow(action: Invocable, beginning: Beginning): FlowState {
  const state: FlowState = { frames: [] }
  enter(state, action, beginning)
  return state
}

/** Makes a run of `action` the innermost frame. */
export function enter(state: FlowState, action: Invocable, beginning: Beginning): void {
  const around = state.frames.at(-1)
  state.step = undefined
  const base = {
    ...beginning,
    head: headOf(action),
    ids: [],
    durationMs: 0,
  }
  if (action.type === 'sequence') {
    const atoms = around?.type === 'sequence' ? around.atoms : 0
    const { components } = action
    state.frames.push({ ...base, type: 'sequence', components, next: 0, atoms })
    return
  }
  const budget = around?.type === 'composition' ? around : { conductorRuns: 0, componentRuns: 0 }
  const { conductorRuns, componentRuns } = budget
  const { memoryMb } = action.action.limits
  state.frames.push({ ...base, type: 'composition', conductorRuns, componentRuns, memoryMb })
}

function headOf(action: Invocable): FlowHead {
  const { limits, name, version } = action.action
  const annotationsHead = action.type === 'sequence' ? action.annotationsHead : (action.flowHead ?? '[')
  const { timeoutMs, logsMb } = limits
  const observed: Observed = { ...action.observed, kind: 'sequence' }
  return { name, version, filter: action.filter, annotationsHead, timeoutMs, logsMb, observed }
}

/** What the innermost frame wants. `max`: the longest sequence, in atomic actions. */
export function flowWants(frame: Frame, max: number): Want {
  return frame.type === 'sequence' ? sequenceWants(frame, max) : compositionWants(frame, max)
}

/** Tells the innermost frame what came of what it wanted. */
export function flowTakes(state: FlowState, end: StepEnd, max: number, caller: NamespaceName): void {
  const frame = state.frames.at(-1)
  state.step = undefined
  if (frame?.type === 'sequence') sequenceTakes(frame, end)
  else if (frame !== undefined) compositionTakes(frame, end, max, caller)
}
