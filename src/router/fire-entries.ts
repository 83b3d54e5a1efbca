/** Fires of triggers as the journal keeps them: at first what was fired, at last the record of it, which waits to be stored. */

import * as v from 'valibot'
import type { ActivationRecord } from '../model/activation.ts'
import { SUCCESS } from '../model/activation.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { NamespaceName } from '../model/names.ts'
import type { JournalEntry } from '../journal/journal.ts'
import type { Payload } from './arguments.ts'
import type { ResolvedTrigger } from './resolve-trigger.ts'

/** Keys of any name survive; valibot's own records drop some. */
const JsonMembers = v.custom<JsonObject>(isJsonObject)

const common = {
  transactionId: v.string(),
  uuid: v.string(),
  key: v.string(),
  namespace: v.string(),
  subject: v.string(),
  trigger: v.object({ name: v.string(), version: v.string() }),
  /** What the trigger was fired with, as the text of a JSON object. */
  payload: v.string(),
  extraLogging: v.optional(v.boolean()),
  /** What came of the rules so far, one JSON text each. */
  logs: v.array(v.string()),
}

export const Fire = v.object({
  type: v.literal('fire'),
  ...common,
  headers: JsonMembers,
  parameters: JsonMembers,
  /** Those that nothing was done for yet. */
  rules: v.array(
    v.object({
      /** `NS/R`. */
      rule: v.string(),
      action: v.object({ namespace: v.string(), package: v.optional(v.string()), name: v.string() }),
      active: v.boolean(),
    }),
  ),
})

export const Fired = v.object({ type: v.literal('fired'), ...common })

/** A fire whose rules have not all been seen to. */
export type JournalledFire = v.InferOutput<typeof Fire>
/** A fire whose rules have all been seen to: its record is left to be stored. */
export type JournalledRecord = v.InferOutput<typeof Fired>

/** An accepted fire. */
export interface AcceptedFire {
  readonly activationId: ActivationId
  readonly transactionId: TransactionId
  readonly identity: Identity
  readonly trigger: ResolvedTrigger
  readonly payload: Payload
  /** Of the request, by their lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly extraLogging: boolean
}

/** The entry for an accepted fire; times in ms since the epoch. What all fires of the trigger share is spliced in as text. */
export function fireEntry(accepted: AcceptedFire, acceptedAt: number, deadlineAt: number): JournalEntry {
  const { activationId, identity, trigger, extraLogging } = accepted
  const fire: Omit<JournalledFire, 'parameters' | 'rules'> = {
    type: 'fire',
    transactionId: accepted.transactionId,
    uuid: identity.uuid,
    key: identity.key,
    namespace: identity.namespace,
    subject: identity.subject,
    trigger: { name: trigger.name.name, version: trigger.version },
    payload: Buffer.from(accepted.payload.bytes, 'latin1').toString('utf8'),
    headers: accepted.headers,
    ...(extraLogging && { extraLogging }),
    logs: [],
  }
  const head = JSON.stringify(fire).slice(0, -1)
  const payload = `${head},"parameters":${trigger.parametersJson},"rules":${trigger.rulesJson}}`
  return { activationId, lane: identity.uuid, acceptedAt, deadlineAt, payload }
}

/** What is left of a fire when `rules` are still to be seen to, in its place in the journal. */
export function remainingEntry(
  entry: JournalEntry,
  fire: JournalledFire,
  rules: JournalledFire['rules'],
  logs: readonly string[],
): JournalEntry {
  const { activationId, lane, acceptedAt, deadlineAt } = entry
  const { headers: _headers, parameters: _parameters, rules: _rules, ...kept } = fire
  const left: JournalledFire | JournalledRecord =
    rules.length > 0 ? { ...fire, rules, logs: [...logs] } : { ...kept, type: 'fired', logs: [...logs] }
  return { activationId, lane, acceptedAt, deadlineAt, payload: JSON.stringify(left) }
}

/** The record of a fire: as OpenWhisk's, it has no end, no duration and no annotations. */
export function fireRecord({ activationId, acceptedAt }: JournalEntry, fired: JournalledRecord): ActivationRecord {
  const { name, version } = fired.trigger
  return {
    activationId,
    namespace: fired.namespace as NamespaceName,
    subject: fired.subject,
    name,
    filter: name,
    version,
    start: acceptedAt,
    outcome: { statusCode: SUCCESS, resultJson: fired.payload },
    logsJson: JSON.stringify(fired.logs),
    annotationsJson: '[]',
  }
}
