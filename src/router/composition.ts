/**
 * The rules of a composition (OpenWhisk: PrimitiveActions): a conductor says what to run next and with what, is given what came of it together with the
 * state that it wants back, and so on until it names no action. No clock, no ids, no waiting.
 */

import type { Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import { isObjectText, membersOf, objectOf } from '../model/json-members.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import { parseComponentName } from './component-name.ts'
import type { CompositionFrame, StepEnd, Want } from './flow-frame.ts'
import { tally } from './flow-frame.ts'

const TOO_MANY = 'Too many actions in the composition.'

/** What the composition wants next. `max`: components that it may run; its conductors may run twice as often, and once more. */
export function compositionWants(frame: CompositionFrame, max: number): Want {
  if (frame.outcome !== undefined) return { type: 'end', outcome: frame.outcome }
  if (frame.component !== undefined) return { type: 'component', name: frame.component }
  if (frame.conductorRuns > 2 * max) return { type: 'end', outcome: errorOutcome(APPLICATION_ERROR, TOO_MANY) }
  return { type: 'conductor' }
}

/** JSON text that the conductor is given: what came of the component, overlaid by the state that it wanted back. */
export function conductorInput({ input, state }: CompositionFrame): string {
  return state === undefined ? input : objectOf(new Map([...membersOf(input), ...membersOf(state)]))
}

/** Takes note of what came of what was wanted. `caller`: the namespace that `_` and names without one stand for. */
export function compositionTakes(frame: CompositionFrame, end: StepEnd, max: number, caller: NamespaceName): void {
  if (frame.component === undefined) conductorEnded(frame, end, max, caller)
  else componentEnded(frame, end, frame.component)
}

function conductorEnded(frame: CompositionFrame, end: StepEnd, max: number, caller: NamespaceName): void {
  if (end.type !== 'ended') {
    frame.outcome ??= conductorLost(end)
    return
  }
  tally(frame, end)
  frame.conductorRuns++
  const { resultJson, statusCode } = end.outcome
  if (!isObjectText(resultJson)) {
    frame.outcome ??= activationFailure()
    return
  }
  const result = membersOf(resultJson)
  const params = boxed(result.get('params'), 'value')
  frame.state = boxed(result.get('state'), 'state')
  const action = result.get('action')
  if (action === undefined) {
    frame.outcome ??= { statusCode, resultJson: params ?? resultJson }
    return
  }
  const name = parseComponentName(JSON.parse(action), caller)
  if (name === undefined) {
    return giveBack(frame, `Failed to parse action name from json value ${compact(action)} during composition.`)
  }
  if (frame.componentRuns >= max) return giveBack(frame, TOO_MANY)
  frame.component = name
  frame.input = params ?? '{}'
}

function componentEnded(frame: CompositionFrame, end: StepEnd, name: FullyQualifiedName): void {
  frame.component = undefined
  const path = formatPath(name)
  switch (end.type) {
    case 'ended': {
      tally(frame, end)
      const { inner, outcome } = end
      // An inner composition runs on this one's account.
      if (inner?.type === 'composition') {
        frame.componentRuns = inner.componentRuns
        frame.conductorRuns = inner.conductorRuns
      } else frame.componentRuns++
      if (isObjectText(outcome.resultJson)) frame.input = outcome.resultJson
      // Conductors take objects: OpenWhisk stumbles over an array and says this.
      else giveBack(frame, `Failed to resolve action with name '${path}' during composition.`)
      return
    }
    case 'missing':
      return giveBack(frame, `Failed to resolve action with name '${path}' during composition.`)
    case 'packageMissing':
    case 'denied':
      return giveBack(frame, `Failed entitlement check for action with name '${path}' during composition.`)
    case 'failed':
      frame.outcome ??= activationFailure()
  }
}

/** The conductor is told, and decides what becomes of it. */
function giveBack(frame: CompositionFrame, message: string): void {
  frame.input = JSON.stringify({ error: message })
}

/** The action itself was deleted, or is not to be had any more, between two of its runs. */
function conductorLost(end: Exclude<StepEnd, { type: 'ended' }>): Outcome {
  switch (end.type) {
    case 'missing':
    case 'packageMissing':
      return errorOutcome(APPLICATION_ERROR, 'Action could not be found or may have been deleted.')
    case 'denied':
      return errorOutcome(APPLICATION_ERROR, end.message)
    case 'failed':
      return activationFailure()
  }
}

function activationFailure(): Outcome {
  return errorOutcome(WHISK_ERROR, 'Activation failure during composition.')
}

/** Text of an object: the value itself where it is one, else an object that has it as its only member. */
function boxed(value: string | undefined, key: string): string | undefined {
  return value === undefined || isObjectText(value) ? value : objectOf(new Map([[key, value]]))
}

function compact(json: string): string {
  return JSON.stringify(JSON.parse(json))
}
