/** One step of a flow: an action is run as any other is, and its record says what it is a part of. */

import { Refusal } from '../model/errors.ts'
import type { Arguments } from './arguments.ts'
import type { DispatchHooks } from './dispatch.ts'
import type { Activation } from './activate.ts'
import type { Flow } from './flow.ts'
import type { Frame, StepEnd } from './flow-frame.ts'
import type { Step } from './flow-state.ts'
import { recordOf } from './record.ts'
import type { ResolvedAction } from './resolved-action.ts'
import { completionOf, runRequest, withLogs } from './run-action.ts'

/** Runs `action` for `frame`. Undefined: the server is stopping, and there is a keeper that has it go on elsewhere. Rejects as `runFlow`. */
export async function runStep(
  flow: Flow,
  frame: Frame,
  action: ResolvedAction,
  args: Arguments,
): Promise<StepEnd | undefined> {
  const { call, on, keeper, state } = flow
  const { clock } = on
  // A step that was noted keeps its id: it may have been seen by then.
  const activationId = state.step?.activationId ?? on.ids.activationId(clock.now())
  state.step = { activationId, begun: false, ...describe(action) }
  const receivedAt = flow.begun ? clock.monotonic() : call.receivedAt
  const activation: Activation = { ...call, activationId, action, args, receivedAt, cause: frame.activationId }
  const deadlineAt = clock.monotonic() + (keeper?.stepWaitMs ?? on.parkTimeoutMs)
  try {
    const result = await on.dispatcher.run(action, runRequest(activation, action), deadlineAt, hooks(flow, state.step))
    if (result.type === 'closed' && keeper !== undefined) {
      state.step.begun = false
      return undefined
    }
    flow.begun = true
    const completion = completionOf(result, action, receivedAt, clock)
    const record = recordOf(activation, action, completion, clock.now())
    on.observe(call.identity, action.observed, completion, record)
    const whole = withLogs(record, completion)
    const kept =
      whole instanceof Promise
        ? whole.then((complete) => on.record(complete, call.identity, activation))
        : on.record(whole, call.identity, activation)
    // The next step need not wait for the record of this one, unless that it has ended is to be noted.
    if (keeper !== undefined) await kept
    else if (kept !== undefined) flow.kept.push(kept)
    const { memoryMb } = action.action.limits
    return { type: 'ended', activationId, outcome: record.outcome, durationMs: record.duration ?? 0, memoryMb }
  } catch (error) {
    // Nothing has happened yet: as with a plain action, the caller is told to come again. Kept flows are tried again later.
    if (keeper !== undefined || !flow.begun || !(error instanceof Refusal)) throw error
    return { type: 'failed' }
  }
}

function describe({
  action,
  filter,
  annotationsHead,
  idempotent,
}: ResolvedAction): Omit<Step, 'activationId' | 'begun'> {
  const { name, version, limits } = action
  return { record: { name, filter, version, annotationsHead }, memoryMb: limits.memoryMb, idempotent }
}

function hooks({ keeper, state, begun, presence }: Flow, step: Step): DispatchHooks {
  // A caller who goes away takes the first step out of the queue. What has begun goes its way.
  if (keeper === undefined) return begun ? {} : { onWait: presence }
  return {
    onWait: () => keeper.waiting(state),
    async onReserved() {
      step.begun = true
      await keeper.beginning(state).catch((error: unknown) => {
        step.begun = false
        throw error
      })
    },
  }
}
