/** Who calls: the `Authorization` header resolved through a cache that is told of every change of a subject. */

import { LRUCache } from 'lru-cache'
import { parseBasicAuthorization } from '../api/authorization.ts'
import { invalidCredentials, unauthenticated } from '../api/rejections.ts'
import type { Clock } from '../model/clock.ts'
import { Fault } from '../model/errors.ts'
import type { Identity, StoredIdentity } from '../model/identity.ts'
import { ALL_RIGHTS } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import { effectiveLimits } from '../model/limits.ts'

export interface AuthenticatorDeps {
  readonly findIdentity: (uuid: string, key: string) => Promise<StoredIdentity | undefined>
  readonly systemLimits: SystemLimits
  readonly clock: Clock
  readonly cacheEntries: number
  /** How long in ms an identity is used without being looked up again. */
  readonly cacheTtlMs: number
}

export interface Authenticator {
  readonly counters: { hits: number; misses: number; failures: number }
  /** The caller, at once when known. Throws or rejects with 401, or with a 503 fault when the store does not answer and nothing is cached. */
  authenticate(authorization: string | undefined): Identity | Promise<Identity>
  /** The identity of a key, past the cache; undefined when it is gone or blocked. */
  lookUp(uuid: string, key: string): Promise<Identity | undefined>
  /** Forgets everybody: a subject, key or limit changed. Rare, so not worth an index by namespace. */
  invalidate(): void
}

interface Entry {
  readonly identity: Identity
  readonly freshUntil: number
}

/** How long an unknown key is refused without asking the store again: short, since the key may be created the next moment. */
const NEGATIVE_TTL_MS = 1000
/** A stale identity serves this much longer while the store does not answer. */
const STALE_GRACE_MS = 3_600_000

/** An authenticator over the artifact store's subjects. */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { clock } = deps
  const entries = new LRUCache<string, Entry>({ max: deps.cacheEntries })
  const unknown = new LRUCache<string, number>({ max: 1000 })
  const underWay = new Map<string, Promise<Identity>>()
  const counters = { hits: 0, misses: 0, failures: 0 }
  let generation = 0

  async function lookUp(uuid: string, key: string): Promise<Identity | undefined> {
    const found = await deps.findIdentity(uuid, key)
    if (found === undefined) return undefined
    const { namespace } = found
    return {
      subject: found.subject,
      namespace: namespace.name,
      uuid: namespace.uuid,
      key: namespace.key,
      rights: ALL_RIGHTS,
      ownLimits: found.limits,
      limits: effectiveLimits(deps.systemLimits, found.limits),
    }
  }

  async function load(authorization: string, stale: Entry | undefined): Promise<Identity> {
    const credentials = parseBasicAuthorization(authorization)
    if (credentials === 'missing') throw unauthenticated()
    if (credentials === 'malformed') throw invalidCredentials()
    const begun = generation
    try {
      const identity = await lookUp(credentials.uuid, credentials.key)
      if (identity === undefined) {
        counters.failures++
        unknown.set(authorization, clock.monotonic() + NEGATIVE_TTL_MS)
        throw invalidCredentials()
      }
      // A change that came while we read must not be hidden by what we read before it.
      if (begun === generation) {
        entries.set(authorization, { identity, freshUntil: clock.monotonic() + deps.cacheTtlMs })
      }
      return identity
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'StoreUnavailable') throw error
      if (stale !== undefined && clock.monotonic() < stale.freshUntil + STALE_GRACE_MS) return stale.identity
      throw new Fault('identities cannot be read', { cause: error, status: 503 })
    }
  }

  return {
    counters,
    authenticate(authorization) {
      if (authorization === undefined) throw unauthenticated()
      const entry = entries.get(authorization)
      const now = clock.monotonic()
      if (entry !== undefined && now < entry.freshUntil) {
        counters.hits++
        return entry.identity
      }
      if (now < (unknown.get(authorization) ?? 0)) throw invalidCredentials()
      counters.misses++
      let pending = underWay.get(authorization)
      if (pending === undefined) {
        pending = load(authorization, entry).finally(() => underWay.delete(authorization))
        underWay.set(authorization, pending)
      }
      return pending
    },
    lookUp,
    invalidate() {
      generation++
      entries.clear()
      unknown.clear()
      underWay.clear()
    },
  }
}
