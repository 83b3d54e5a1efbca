/** Who calls, by the `Authorization` header, and who owns a namespace: both through caches that are told of every change of a subject. */

import { invalidCredentials, unauthenticated } from '../api/rejections.ts'
import type { Clock } from '../model/clock.ts'
import type { Identity, StoredIdentity, SubjectName } from '../model/identity.ts'
import { ALL_RIGHTS } from '../model/identity.ts'
import type { SystemLimits } from '../model/limits.ts'
import { effectiveLimits } from '../model/limits.ts'
import type { NamespaceName } from '../model/names.ts'
import type { AuthenticationProvider } from './authentication-provider.ts'
import type { IdentityCache } from './identity-cache.ts'
import { createIdentityCache } from './identity-cache.ts'

export interface AuthenticatorDeps {
  readonly provider: AuthenticationProvider
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
  /** The subject was added, removed, blocked or unblocked, or has other keys; `namespaces` are those that it had keys for, and has. */
  forgetSubject(subject: SubjectName, namespaces: readonly NamespaceName[]): void
  /** The limits of the namespace were changed: whoever acts in it is looked up again. */
  forgetNamespace(namespace: NamespaceName): void
}

/** An authenticator over a provider. */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { provider } = deps
  const bounds = { clock: deps.clock, entries: deps.cacheEntries, ttlMs: deps.cacheTtlMs }
  const callers = createIdentityCache({ ...bounds, load: loadCaller })
  const owners = createIdentityCache({
    ...bounds,
    load: async (namespace) => identityOf(await provider.ownerOf(namespace as NamespaceName)),
  })

  async function loadCaller(authorization: string): Promise<Identity | undefined> {
    const found = await provider.authenticate(authorization)
    if (found === 'missing') throw unauthenticated()
    return found === 'invalid' ? undefined : identityOf(found)
  }

  function identityOf(found: StoredIdentity): Identity
  function identityOf(found: StoredIdentity | undefined): Identity | undefined
  function identityOf(found: StoredIdentity | undefined): Identity | undefined {
    if (found === undefined) return undefined
    const { namespace } = found
    return {
      subject: found.subject,
      namespace: namespace.name,
      uuid: namespace.uuid,
      key: namespace.key,
      rights: found.rights ?? ALL_RIGHTS,
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
    lookUp: async (uuid, key) => identityOf(await provider.keyHolder(uuid, key)),
    forgetSubject(subject, namespaces) {
      callers.forget((identity) => identity.subject === subject)
      // Another subject's key may have been the one that a namespace was charged to.
      owners.forget((identity) => namespaces.includes(identity.namespace))
    },
    forgetNamespace(namespace) {
      for (const cache of [callers, owners]) cache.forget((identity) => identity.namespace === namespace)
    },
  }
}

function valid(caller: Identity | undefined): Identity {
  if (caller === undefined) throw invalidCredentials()
  return caller
}
