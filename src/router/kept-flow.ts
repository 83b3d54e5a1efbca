/**
 * Sequences and compositions that nobody waits for. They go on after a crash from the last step that has ended. A step that was cut off is closed with a
 * record that says so, and is begun again only if its action allows that: nothing runs twice unnoticed.
 */

import type { ActivationRecord, Outcome } from '../model/activation.ts'
import { WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import { recordedEnd } from '../model/activation-document.ts'
import type { ActivationId } from '../model/ids.ts'
import type { NamespaceName } from '../model/names.ts'
import type { ActivationRow } from '../stores/activation-store.ts'
import type { ActivateDeps } from './activate.ts'
import type { StepEnd } from './flow-frame.ts'
import { tally } from './flow-frame.ts'
import type { FlowKeeper } from './flow-keeper.ts'
import type { FlowOwner } from './flow-record.ts'
import { flowRecord } from './flow-record.ts'
import type { FlowState, Step } from './flow-state.ts'
import { flowTakes } from './flow-state.ts'
import type { FlowCall } from './flow.ts'
import { runFlow } from './flow.ts'
import { CAUSED_BY } from './record.ts'
import type { Invocable } from './resolved-sequence.ts'

export const INTERRUPTED = 'The action was interrupted by a failure of the platform.'

export interface KeptFlowDeps extends ActivateDeps {
  /** The record of an activation, if it is stored. */
  readonly recorded: (namespace: NamespaceName, activationId: ActivationId) => Promise<ActivationRow | undefined>
}

/** A flow and what runs it. */
export interface KeptFlow {
  readonly state: FlowState
  readonly call: FlowCall
  readonly keeper: FlowKeeper
  /** What it is a run of; absent where it was begun by another process. */
  readonly action?: Invocable
}

/** Runs a flow from wherever its state is. Undefined: it is to go on when the server runs again. Rejects where it is to be tried again. */
export async function runKeptFlow(
  { state, call, keeper, action }: KeptFlow,
  on: KeptFlowDeps,
): Promise<ActivationRecord | undefined> {
  const begun = state.step !== undefined || state.frames.some(({ ids }) => ids.length > 0)
  if (state.step?.begun === true) await takeUp(state, state.step, call, on)
  try {
    const conductors = new Map<ActivationId, Invocable>()
    const [outermost] = state.frames
    if (action !== undefined && outermost !== undefined) conductors.set(outermost.activationId, action)
    return (await runFlow({ state, call, on, keeper, conductors, kept: [], begun }))?.record
  } catch (error) {
    // Whoever tries again begins with what is noted. Where that cannot be written now, the records of the steps tell.
    await keeper.suspended(state).catch(() => undefined)
    throw error
  }
}

/** Finds out what became of a step that was under way when the process ended. */
async function takeUp(state: FlowState, step: Step, call: FlowCall, on: KeptFlowDeps): Promise<void> {
  const { identity } = call
  const { activationId, memoryMb, idempotent } = step
  const row = await on.recorded(identity.namespace, activationId)
  if (row === undefined && idempotent) {
    step.begun = false
    return
  }
  let end: StepEnd
  if (row === undefined) {
    const record = interrupted(step, identity, state.frames.at(-1)?.activationId, on.clock.now())
    await on.record(record, identity, call)
    end = { type: 'ended', activationId, outcome: record.outcome, durationMs: 0, memoryMb }
  } else {
    const { outcome, durationMs } = recordedEnd(row.document, row.statusCode)
    end = { type: 'ended', activationId, outcome, durationMs, memoryMb }
  }
  flowTakes(state, end, on.sequenceLength, identity.namespace)
}

function interrupted(
  { activationId, record }: Step,
  { namespace, subject }: FlowOwner,
  cause: ActivationId | undefined,
  now: number,
): ActivationRecord {
  const { annotationsHead, ...rest } = record
  return {
    activationId,
    namespace,
    subject,
    ...rest,
    start: now,
    end: now,
    duration: 0,
    outcome: errorOutcome(WHISK_ERROR, INTERRUPTED),
    logsJson: '[]',
    annotationsJson: `${annotationsHead},{"key":"timeout","value":false},{"key":"waitTime","value":0}${CAUSED_BY}]`,
    ...(cause !== undefined && { cause }),
  }
}

/** The records of a flow that may not go on, innermost first: of a step that was under way, and of the frames. The state is used up. */
export function abandonedRecords(
  { frames, step }: FlowState,
  owner: FlowOwner,
  outcome: Outcome,
  now: number,
): readonly ActivationRecord[] {
  const records: ActivationRecord[] = []
  const add = (record: ActivationRecord, depth: number, memoryMb: number | undefined): void => {
    records.push(record)
    const { activationId, duration: durationMs = 0 } = record
    const around = frames[depth - 1]
    if (around !== undefined) tally(around, { activationId, durationMs, memoryMb })
  }
  if (step?.begun === true) {
    add(interrupted(step, owner, frames.at(-1)?.activationId, now), frames.length, step.memoryMb)
  }
  for (const [index, frame] of frames.toReversed().entries()) {
    const depth = frames.length - 1 - index
    add(flowRecord(frame, frame.outcome ?? outcome, owner, frames[depth - 1]?.activationId, now), depth, frame.memoryMb)
  }
  return records
}
