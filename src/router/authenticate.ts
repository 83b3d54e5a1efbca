/** Who calls, by the `Authorization` header, and who owns a namespace: both through caches that are told of every change of a subject. */

import { parseBasicAuthorization } from '../api/authorization.ts'
import { invalidCredentials, unauthenticated } from '../api/rejections.ts'
import type { Clock } from '../model/clock.ts'
import type { Identity, StoredIdentity } from '../model/identity.ts'
import { ALL_RIGHTS } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import { effectiveLimits } from '../model/limits.ts'
import type { NamespaceName } from '../model/names.ts'
import type { IdentityCache } from './identity-cache.ts'
import { createIdentityCache } from './identity-cache.ts'

export interface AuthenticatorDeps {
  readonly findIdentity: (uuid: string, key: string) => Promise<StoredIdentity | undefined>
  readonly findNamespace: (namespace: NamespaceName) => Promise<StoredIdentity | undefined>
  readonly systemLimits: SystemLimits
  readonly clock: Clock
  readonly cacheEntries: number
  /** How long in ms an identity is used without being looked up again. */
  readonly cacheTtlMs: number
}

export interface Authenticator {
  /** Of callers, not of owners. */
  readonly counters: IdentityCache['counters']
  /** The caller, at once when known. Throws or rejects with 401, or with a 503 fault when the store does not answer and nothing is cached. */
  authenticate(authorization: string | undefined): Identity | Promise<Identity>
  /** Whom calls without credentials of their own are charged to, at once when known; undefined when the namespace has no key that works. Faults as above. */
  ownerOf(namespace: NamespaceName): Identity | undefined | Promise<Identity | undefined>
  /** The identity of a key, past the cache; undefined when it is gone or blocked. */
  lookUp(uuid: string, key: string): Promise<Identity | undefined>
  /** Forgets everybody: a subject, key or limit changed. */
  invalidate(): void
}

/** An authenticator over the artifact store's subjects. */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const bounds = { clock: deps.clock, entries: deps.cacheEntries, ttlMs: deps.cacheTtlMs }
  const callers = createIdentityCache({ ...bounds, load: loadCaller })
  const owners = createIdentityCache({
    ...bounds,
    load: async (namespace) => identityOf(await deps.findNamespace(namespace as NamespaceName)),
  })

  async function lookUp(uuid: string, key: string): Promise<Identity | undefined> {
    return identityOf(await deps.findIdentity(uuid, key))
  }

  async function loadCaller(authorization: string): Promise<Identity | undefined> {
    const credentials = parseBasicAuthorization(authorization)
    if (credentials === 'missing') throw unauthenticated()
    if (credentials === 'malformed') throw invalidCredentials()
    return lookUp(credentials.uuid, credentials.key)
  }

  function identityOf(found: StoredIdentity | undefined): Identity | undefined {
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

  return {
    counters: callers.counters,
    authenticate(authorization) {
      if (authorization === undefined) throw unauthenticated()
      const caller = callers.get(authorization)
      return caller instanceof Promise ? caller.then(valid) : valid(caller)
    },
    ownerOf: (namespace) => owners.get(namespace),
    lookUp,
    invalidate() {
      callers.clear()
      owners.clear()
    },
  }
}

function valid(caller: Identity | undefined): Identity {
  if (caller === undefined) throw invalidCredentials()
  return caller
}
