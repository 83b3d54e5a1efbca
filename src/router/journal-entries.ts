/**
 * Accepted work as the journal keeps it. A call: everything that running it later takes, and what its record needs if it cannot be run. Entries of the
 * other types have files of their own.
 */

import * as v from 'valibot'
import type { ActivationRecord, Outcome } from '../model/activation.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import { isJsonObject } from '../model/json.ts'
import type { NamespaceName } from '../model/names.ts'
import type { JournalEntry } from '../journal/journal.ts'
import type { JournalledFire, JournalledRecord } from './fire-entries.ts'
import { Fire, Fired } from './fire-entries.ts'
import type { Accepted } from './invoke.ts'

const Invocation = v.object({
  /** Absent in entries of the first release, which knew no other type. */
  type: v.optional(v.literal('invocation'), 'invocation'),
  transactionId: v.string(),
  uuid: v.string(),
  key: v.string(),
  namespace: v.string(),
  subject: v.string(),
  target: v.object({ namespace: v.string(), package: v.optional(v.string()), name: v.string() }),
  payload: v.string(),
  idempotent: v.boolean(),
  extraLogging: v.optional(v.boolean()),
  record: v.object({ name: v.string(), filter: v.string(), version: v.string(), annotationsHead: v.string() }),
})

/** A journalled call, read back. */
export type JournalledCall = v.InferOutput<typeof Invocation>

/** Whatever the journal holds, read back. */
export type Journalled = JournalledCall | JournalledFire | JournalledRecord

/** The entry for an accepted call; times in ms since the epoch. */
export function journalEntry(accepted: Accepted, acceptedAt: number, deadlineAt: number): JournalEntry {
  const { identity, action, target, payload } = accepted
  const call: JournalledCall = {
    type: 'invocation',
    transactionId: accepted.transactionId,
    uuid: identity.uuid,
    key: identity.key,
    namespace: identity.namespace,
    subject: identity.subject,
    target: {
      namespace: target.namespace,
      name: target.name,
      ...(target.package !== undefined && { package: target.package }),
    },
    payload: Buffer.from(payload.bytes, 'latin1').toString('utf8'),
    idempotent: action.idempotent,
    ...(accepted.extraLogging === true && { extraLogging: true }),
    record: {
      name: action.action.name,
      filter: action.filter,
      version: action.action.version,
      annotationsHead: action.annotationsHead,
    },
  }
  const { activationId } = accepted
  return { activationId, lane: identity.uuid, acceptedAt, deadlineAt, payload: JSON.stringify(call) }
}

/** Reads an entry's payload; throws when it was written by none of the functions that write entries. */
export function readJournalled(payload: string): Journalled {
  const held: unknown = JSON.parse(payload)
  const type = isJsonObject(held) ? held['type'] : undefined
  if (type === 'fire') return v.parse(Fire, held)
  return type === 'fired' ? v.parse(Fired, held) : v.parse(Invocation, held)
}

/** The record of a journalled call that was not run, or not to its end. `now` in ms since the epoch. */
export function unrunRecord(
  activationId: ActivationId,
  call: JournalledCall,
  outcome: Outcome,
  acceptedAt: number,
  now: number,
): ActivationRecord {
  const { record } = call
  return {
    activationId,
    namespace: call.namespace as NamespaceName,
    subject: call.subject,
    name: record.name,
    filter: record.filter,
    version: record.version,
    start: now,
    end: now,
    duration: 0,
    outcome,
    logsJson: '[]',
    annotationsJson: `${record.annotationsHead},{"key":"timeout","value":false},{"key":"waitTime","value":${Math.max(0, now - acceptedAt)}}]`,
  }
}

/** The transaction id under which the call was accepted. */
export function transactionOf(call: JournalledCall): TransactionId {
  return call.transactionId as TransactionId
}
