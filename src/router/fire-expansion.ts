/**
 * From the fire of a trigger to the calls of its rules' actions. What comes of a fire takes its place in the journal in one write: the calls, and either
 * its record or what is left to do. So a crash before it has done nothing, and a crash after it leaves nothing to be done again.
 */

import { invalidCredentials } from '../api/rejections.ts'
import type { Clock } from '../model/clock.ts'
import { DEFAULT_MESSAGES, payloadTooLarge, Refusal, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { ActivationId, IdSource, TransactionId } from '../model/ids.ts'
import type { JournalDepth, JournalEntry } from '../journal/journal.ts'
import type { ActivateDeps } from './activate.ts'
import type { Admission, Limits } from './admission.ts'
import type { Payload } from './arguments.ts'
import { mergeArguments } from './arguments.ts'
import { fireArguments } from './fire-arguments.ts'
import type { JournalledFire } from './fire-entries.ts'
import { remainingEntry } from './fire-entries.ts'
import type { Accepted } from './invoke.ts'
import { journalEntry } from './journal-entries.ts'
import { requireComponents } from './require-components.ts'
import type { Invocable } from './resolved-sequence.ts'

export interface FireExpansionDeps {
  readonly resolve: ActivateDeps['resolve']
  readonly limits: Pick<Limits, 'enter'>
  readonly ids: Pick<IdSource, 'activationId'>
  readonly clock: Pick<Clock, 'now'>
  /** How long in ms a call may wait for its start. */
  readonly deadlineMs: number
}

/** What takes the place of a fire. */
export interface Expansion {
  /** The calls first; at last the fire's own entry, with what is left to do. */
  readonly successors: readonly [...JournalEntry[], JournalEntry]
  /** Of the calls among them. */
  readonly admissions: ReadonlyMap<ActivationId, Admission>
  /** Rules by what became of them. */
  readonly outcomes: RuleOutcomes
}

export interface RuleOutcomes {
  started: number
  inactive: number
  failed: number
}

/**
 * Sees to as many rules of a fire as there is `room` for in the journal, and no more than a few dozen. Resolves with undefined when there is no room for one.
 * Where `room` is undefined, and after the fire's deadline, all that are left fail. `identity` is undefined when the key that fired is gone. Rejects with a
 * fault when an action cannot be read: nothing is done then.
 */
export type ExpandFire = (
  entry: JournalEntry,
  fire: JournalledFire,
  identity: Identity | undefined,
  room: JournalDepth | undefined,
) => Promise<Expansion | undefined>

type JournalledRule = JournalledFire['rules'][number]

/** Bounds of one step: the event loop is not to be held up, nor the store's worker. */
const STEP_RULES = 64
const STEP_BYTES = 4 * 1024 * 1024
/** What an entry takes besides its arguments. */
const ENTRY_BYTES = 2048

/** Answered for rules whose call the journal has no room for, as it is to callers. */
const NO_ROOM = refusal('QUEUE_FULL', 503)

/** An expander over what the router knows. */
export function createFireExpander(on: FireExpansionDeps): ExpandFire {
  const expand: ExpandFire = async (entry, fire, identity, room) => {
    const payload = fireArguments(fire)
    const failing = room === undefined || on.clock.now() > entry.deadlineAt
    const fitting = failing ? 0 : callsThatFit(payload, room)
    if (fitting === 0 && !failing) return undefined
    const now = failing ? fire.rules : leading(fire.rules, fitting)
    // Before anything is counted: what fails here is tried again, and must not use up what the namespace may do.
    const actions = await Promise.all(now.map(async (rule) => (failing ? NO_ROOM : actionOf(rule, identity, payload))))
    const outcomes: RuleOutcomes = { started: 0, inactive: 0, failed: 0 }
    const calls: JournalEntry[] = []
    const admissions = new Map<ActivationId, Admission>()
    const logs = now.map((rule, index) => {
      const base = { rule: rule.rule, action: pathOf(rule) }
      if (!rule.active) {
        outcomes.inactive++
        const error = `Rule '${base.rule}' is inactive, action '${base.action}' was not activated.`
        return JSON.stringify({ statusCode: 1, success: false, error, ...base })
      }
      try {
        if (failing) throw NO_ROOM
        const call = start(rule, actions[index], fire, identity, payload)
        calls.push(call.entry)
        admissions.set(call.entry.activationId, call.admission)
        outcomes.started++
        return JSON.stringify({ statusCode: 0, success: true, activationId: call.entry.activationId, ...base })
      } catch (error) {
        outcomes.failed++
        return JSON.stringify({ ...failureOf(error), ...base })
      }
    })
    const rest = fire.rules.slice(now.length)
    const left = remainingEntry(entry, fire, rest, [...fire.logs, ...logs])
    return { successors: [...calls, left], admissions, outcomes }
  }

  /** The action as the caller may call it; a refusal is kept for after the limits, which come first. */
  async function actionOf(
    { action, active }: JournalledRule,
    identity: Identity | undefined,
    payload: Payload,
  ): Promise<Invocable | Refusal | undefined> {
    if (!active || identity === undefined) return undefined
    try {
      const resolved = await on.resolve(identity, { ...action, package: action.package })
      if (resolved.type === 'sequence') await requireComponents(identity, resolved, on) // -> 403, 404
      mergeArguments(resolved, payload) // -> 400
      return resolved
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
  }

  /** One call, in the order of the checks of a call that comes by itself. Throws its refusals. */
  function start(
    rule: JournalledRule,
    action: Invocable | Refusal | undefined,
    fire: JournalledFire,
    identity: Identity | undefined,
    payload: Payload,
  ): { readonly entry: JournalEntry; readonly admission: Admission } {
    if (identity === undefined) throw invalidCredentials()
    const admission = on.limits.enter(identity) // -> 429
    try {
      if (!identity.rights.includes('ACTIVATE')) throw refusal('FORBIDDEN', 403)
      const allowed = identity.limits.payloadBytes
      if (payload.bytes.length > allowed) throw payloadTooLarge(payload.bytes.length, allowed)
      if (action === undefined || action instanceof Refusal)
        throw action ?? new Error('an active rule was not looked at')
      const now = on.clock.now()
      const accepted: Accepted = {
        activationId: on.ids.activationId(now),
        transactionId: fire.transactionId as TransactionId,
        identity,
        target: { ...rule.action, package: rule.action.package },
        action,
        payload,
        ...(fire.extraLogging === true && { extraLogging: true }),
      }
      return { entry: journalEntry(accepted, now, now + on.deadlineMs), admission }
    } catch (error) {
      admission.release()
      throw error
    }
  }

  return expand
}

/** How many calls there is room for in one step. */
function callsThatFit(payload: Payload, { entries, bytes }: JournalDepth): number {
  // Quotes take two bytes in an entry.
  const each = 2 * payload.bytes.length + ENTRY_BYTES
  const inStep = Math.max(1, Math.floor(STEP_BYTES / each))
  return Math.max(0, Math.min(STEP_RULES, entries, Math.floor(bytes / each), inStep))
}

/** The first rules, up to `count` active ones and the inactive ones among and after them. */
function leading(rules: readonly JournalledRule[], count: number): readonly JournalledRule[] {
  let active = 0
  const end = rules.findIndex((rule) => rule.active && ++active > count)
  return end < 0 ? rules : rules.slice(0, end)
}

/** What the trigger's log says of a call that was refused: 1 where the caller is to blame, 3 where the platform is. */
function failureOf(error: unknown): { readonly statusCode: 1 | 3; readonly success: false; readonly error: string } {
  const status = error instanceof Refusal ? error.status : 500
  const message = error instanceof Refusal ? error.message : (DEFAULT_MESSAGES[500] ?? '')
  return { statusCode: status < 500 ? 1 : 3, success: false, error: message }
}

function pathOf({ action }: JournalledRule): string {
  return [action.namespace, action.package, action.name].filter((part) => part !== undefined).join('/')
}
