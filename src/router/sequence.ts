/** The rules of a sequence (OpenWhisk: SequenceActions): what one component returns is given to the next, an error ends it. No clock, no ids, no waiting. */

import type { Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, SUCCESS, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import { isObjectText, membersOf } from '../model/json-members.ts'
import type { SequenceFrame, StepEnd, Want } from './flow-frame.ts'
import { tally } from './flow-frame.ts'

/** What the sequence wants next. `max`: atomic actions that the outermost sequence may run. */
export function sequenceWants(frame: SequenceFrame, max: number): Want {
  if (frame.outcome !== undefined) return { type: 'end', outcome: frame.outcome }
  const name = frame.components[frame.next]
  if (name === undefined)
    return { type: 'end', outcome: frame.last ?? { statusCode: SUCCESS, resultJson: frame.input } }
  // An inner sequence may have become longer since this one was written.
  if (frame.atoms >= max) {
    return { type: 'end', outcome: errorOutcome(APPLICATION_ERROR, 'Too many actions in the sequence.') }
  }
  return { type: 'component', name }
}

/** Takes note of what came of the component whose turn it was. */
export function sequenceTakes(frame: SequenceFrame, end: StepEnd): void {
  switch (end.type) {
    case 'ended': {
      tally(frame, end)
      frame.next++
      frame.atoms = end.inner?.type === 'sequence' ? end.inner.atoms : frame.atoms + 1
      frame.last = end.outcome
      if (isError(end.outcome)) frame.outcome ??= end.outcome
      else frame.input = end.outcome.resultJson
      return
    }
    case 'missing':
    case 'packageMissing':
      frame.outcome ??= errorOutcome(APPLICATION_ERROR, 'Sequence component does not exist.')
      return
    case 'denied':
      frame.outcome ??= errorOutcome(APPLICATION_ERROR, end.message)
      return
    case 'failed':
      frame.outcome ??= errorOutcome(WHISK_ERROR, 'Sequence failed.')
  }
}

/** A composition may succeed with a result that has an `error`: that, too, ends the sequence. */
function isError({ statusCode, resultJson }: Outcome): boolean {
  if (statusCode !== SUCCESS) return true
  return resultJson.includes('"error"') && isObjectText(resultJson) && membersOf(resultJson).has('error')
}
