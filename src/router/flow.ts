/**
 * Runs sequences and compositions: does what their state machine (flow-state.ts) wants, step by step, over the path that every warm call takes. No bus, no
 * polling, no HTTP, and no rate limit: a step runs on behalf of a call that was let in, in that call's place.
 */

import { Fault, Refusal } from '../model/errors.ts'
import type { ActivationId } from '../model/ids.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { ActivateDeps, Activation, CallerPresence, Completed } from './activate.ts'
import type { Arguments } from './arguments.ts'
import { conductorInput } from './composition.ts'
import type { Frame, StepEnd } from './flow-frame.ts'
import type { FlowKeeper } from './flow-keeper.ts'
import { flowRecord } from './flow-record.ts'
import type { FlowState } from './flow-state.ts'
import { beginFlow, enter, flowTakes, flowWants } from './flow-state.ts'
import { targetOf } from './resolve.ts'
import type { ResolvedAction } from './resolved-action.ts'
import type { Invocable } from './resolved-sequence.ts'
import { isFlow } from './resolved-sequence.ts'
import { runStep } from './run-step.ts'
import { stepArguments, textOf } from './step-arguments.ts'

/** On whose behalf, and with what, a flow runs. */
export type FlowCall = Omit<Activation, 'action' | 'args' | 'activationId'>

/** A flow under way. */
export interface Flow {
  readonly state: FlowState
  readonly call: FlowCall
  readonly on: ActivateDeps
  /** Makes it outlive the process; undefined: somebody waits for it. */
  readonly keeper?: FlowKeeper | undefined
  readonly presence?: CallerPresence | undefined
  /** Conductors of the compositions that were begun in this process, by composition: such an action stays what it was at the start. */
  readonly conductors: Map<ActivationId, Invocable>
  /** Arguments of the very first step where the caller's payload has been merged already: of a conductor. */
  readonly firstArguments?: Arguments | undefined
  /** Records of steps that are on their way to where they outlive the process. */
  readonly kept: Promise<void>[]
  /** A step has begun. */
  begun: boolean
}

/** Runs a sequence or composition for somebody who waits. Rejects with a Refusal where its first step found no place in any queue. */
export async function activateFlow(
  activation: Activation,
  on: ActivateDeps,
  presence?: CallerPresence,
): Promise<Completed> {
  const { action, args, activationId, ...call } = activation
  const state = beginFlow(action, {
    activationId,
    calledAs: action.action,
    startedAt: on.clock.now(),
    waitMs: Math.round(on.clock.monotonic() - call.receivedAt),
    input: textOf(args.bytes),
  })
  const conductors = new Map([[activationId, action]])
  const firstArguments = action.type === 'action' ? args : undefined
  const completed = await runFlow({ state, call, on, presence, conductors, firstArguments, kept: [], begun: false })
  if (completed === undefined) throw new Fault('a flow that nobody keeps was suspended')
  return completed
}

/**
 * Runs a flow to its end, from wherever it is. Resolves, when its records will outlive the process, with the outermost record; undefined where the keeper
 * wants it suspended: it goes on from what was noted last. Rejects where nothing has begun, or where there is a keeper to try again with.
 */
export async function runFlow(flow: Flow): Promise<Completed | undefined> {
  const { state, call, on } = flow
  const { namespace } = call.identity
  for (;;) {
    const frame = innermost(state)
    const want = flowWants(frame, on.sequenceLength)
    if (want.type === 'end') {
      const completed = close(flow, { ...frame, outcome: want.outcome })
      const { record } = completed
      if (state.frames.length === 0) {
        await Promise.all(flow.kept)
        return completed
      }
      const { activationId, outcome, duration = 0 } = record
      const end: StepEnd = {
        type: 'ended',
        activationId,
        outcome,
        durationMs: duration,
        memoryMb: frame.memoryMb,
        inner: frame,
      }
      // A state that does not hold the inner flow any more may be noted next: the record has to outlive the process by then.
      if (flow.keeper !== undefined) await Promise.all(flow.kept.splice(0))
      flowTakes(state, end, on.sequenceLength, namespace)
      continue
    }
    if (flow.keeper?.isPaused() === true) return suspend(flow)
    const found = await (want.type === 'conductor' ? conductorOf(flow, frame) : find(flow, want.name))
    if ('action' in found && want.type === 'component' && isFlow(found)) {
      enterStep(flow, found, want.name, frame.input)
      continue
    }
    const end = 'action' in found ? await step(flow, found, frame) : found
    if (end === undefined) return suspend(flow)
    flowTakes(state, end, on.sequenceLength, namespace)
    flow.keeper?.changed()
  }
}

function step(flow: Flow, found: Invocable, frame: Frame): Promise<StepEnd | undefined> | StepEnd {
  // The name of a conductor may have become a sequence's since.
  if (found.type === 'sequence') return { type: 'missing' }
  return runStep(flow, frame, found, argumentsOf(flow, frame, found))
}

function argumentsOf(flow: Flow, frame: Frame, action: ResolvedAction): Arguments {
  if (!flow.begun && flow.firstArguments !== undefined) return flow.firstArguments
  const conducting = frame.type === 'composition' && frame.component === undefined
  return stepArguments(action, conducting ? conductorInput(frame) : frame.input)
}

function enterStep(
  { state, on, conductors }: Flow,
  action: Invocable,
  calledAs: FullyQualifiedName,
  input: string,
): void {
  const startedAt = on.clock.now()
  const activationId = on.ids.activationId(startedAt)
  if (action.type === 'action') conductors.set(activationId, action)
  enter(state, action, { activationId, calledAs, startedAt, waitMs: 0, input })
}

function conductorOf(flow: Flow, { activationId, calledAs }: Frame): Invocable | Promise<Invocable | StepEnd> {
  return flow.conductors.get(activationId) ?? find(flow, calledAs)
}

/** What a name stands for now; where it stands for nothing that can be run, what the flow is to make of it. */
async function find({ call, on, keeper, begun }: Flow, name: FullyQualifiedName): Promise<Invocable | StepEnd> {
  try {
    return await on.resolve(call.identity, targetOf(name))
  } catch (error) {
    if (!(error instanceof Refusal)) {
      // The store is away: whoever has time waits for it.
      if (keeper !== undefined || !begun) throw error
      return { type: 'failed' }
    }
    if (error.code === 'NOT_FOUND') return { type: error.options.missing === 'package' ? 'packageMissing' : 'missing' }
    if (error.code === 'CONFLICT') return { type: 'missing' }
    return { type: 'denied', message: error.message }
  }
}

/** Takes the innermost frame away and records it. */
function close(flow: Flow, frame: Frame): Completed {
  const { state, call, on } = flow
  const { identity } = call
  const { outcome, waitMs, memoryMb, head } = frame
  if (outcome === undefined) throw new Fault('a flow was closed before its end')
  state.frames.pop()
  const record = flowRecord(frame, outcome, identity, state.frames.at(-1)?.activationId ?? call.cause, on.clock.now())
  const completion = { outcome, run: undefined, waitMs }
  on.observe(identity, { ...head.observed, ...(memoryMb !== undefined && { memoryMb }) }, completion, record)
  // The outermost record of a kept flow is for the journal to store before it lets go of the entry.
  if (flow.keeper === undefined || state.frames.length > 0) {
    const kept = on.record(record, identity, call)
    if (kept !== undefined) flow.kept.push(kept)
  }
  return { completion, record }
}

async function suspend({ keeper, state }: Flow): Promise<undefined> {
  await keeper?.suspended(state)
  return undefined
}

function innermost({ frames }: FlowState): Frame {
  const frame = frames.at(-1)
  if (frame === undefined) throw new Fault('a flow has no frames')
  return frame
}
