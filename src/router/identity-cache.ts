/** Identities by the text that leads to them, a credential or a namespace: looked up once for all who wait, and used while the store is away. */

import { LRUCache } from 'lru-cache'
import type { Clock } from '../model/clock.ts'
import { Fault } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'

export interface IdentityCacheDeps {
  /** What the text leads to; undefined when it leads nowhere. What it rejects with is not remembered. */
  readonly load: (text: string) => Promise<Identity | undefined>
  readonly clock: Clock
  readonly entries: number
  /** How long in ms an identity is used without being looked up again. */
  readonly ttlMs: number
}

export interface IdentityCache {
  /** `failures`: texts that were found to lead nowhere. */
  readonly counters: { hits: number; misses: number; failures: number }
  /** The identity, at once when known; undefined when there is none. Rejects with a 503 fault when the store does not answer and nothing is cached. */
  get(text: string): Identity | undefined | Promise<Identity | undefined>
  /**
   * Something changed for the identities that `concerned` picks: they are looked up again, and so is what led nowhere until now. Looks at all entries:
   * changes are rare, so that an index is not worth its upkeep.
   */
  forget(concerned: (identity: Identity) => boolean): void
}

interface Entry {
  readonly identity: Identity
  readonly freshUntil: number
}

/** How long a text that leads nowhere is refused without asking the store again: short, since it may lead somewhere the next moment. */
const NEGATIVE_TTL_MS = 1000
const NEGATIVE_ENTRIES = 1000
/** A stale identity serves this much longer while the store does not answer. */
const STALE_GRACE_MS = 3_600_000

export function createIdentityCache(deps: IdentityCacheDeps): IdentityCache {
  const { clock } = deps
  const entries = new LRUCache<string, Entry>({ max: deps.entries })
  const unknown = new LRUCache<string, number>({ max: NEGATIVE_ENTRIES })
  const underWay = new Map<string, Promise<Identity | undefined>>()
  const counters = { hits: 0, misses: 0, failures: 0 }
  let generation = 0

  async function load(text: string, stale: Entry | undefined): Promise<Identity | undefined> {
    const begun = generation
    try {
      const identity = await deps.load(text)
      if (identity === undefined) counters.failures++
      // A change that came while we read must not be hidden by what we read before it.
      if (begun !== generation) return identity
      if (identity === undefined) unknown.set(text, clock.monotonic() + NEGATIVE_TTL_MS)
      else entries.set(text, { identity, freshUntil: clock.monotonic() + deps.ttlMs })
      return identity
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      if (stale !== undefined && clock.monotonic() < stale.freshUntil + STALE_GRACE_MS) return stale.identity
      throw new Fault('identities cannot be read', { cause: error, status: 503 })
    }
  }

  return {
    counters,
    get(text) {
      const entry = entries.get(text)
      const now = clock.monotonic()
      if (entry !== undefined && now < entry.freshUntil) {
        counters.hits++
        return entry.identity
      }
      if (now < (unknown.get(text) ?? 0)) return undefined
      counters.misses++
      let pending = underWay.get(text)
      if (pending === undefined) {
        const begun = load(text, entry).finally(() => {
          if (underWay.get(text) === begun) underWay.delete(text)
        })
        pending = begun
        underWay.set(text, pending)
      }
      return pending
    },
    forget(concerned) {
      generation++
      for (const [text, { identity }] of [...entries]) if (concerned(identity)) entries.delete(text)
      unknown.clear()
      // Whom these reads concern is not known yet.
      underWay.clear()
    },
  }
}
