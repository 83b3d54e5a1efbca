/** Who callers are. An implementation answers from wherever identities are kept; caching, counting and refusing are done above it, in authenticate.ts. */

import type { StoredIdentity } from '../model/identity.ts'
import type { NamespaceName } from '../model/names.ts'

/**
 * What a header came to: somebody, or
 * `missing`: nothing that this provider reads (another scheme), so as good as not sent;
 * `invalid`: read, and nobody's: malformed, unknown, revoked, or of a blocked subject. Which of them is not told.
 */
export type Authentication = StoredIdentity | 'missing' | 'invalid'

/**
 * Every implementation passes test/conformance/authentication-provider.ts. No method changes anything, and each may be called again and at the same
 * time by many. Answers are of the moment: nothing is cached here. All reject with `StoreUnavailable`, within a time limit of the implementation's own,
 * when it cannot be told; callers who are cached above are served on then. They reject with nothing else, whatever comes in.
 */
export interface AuthenticationProvider {
  /** Who sends the `Authorization` header `authorization`. One credential is one subject in one namespace. */
  authenticate(authorization: string): Promise<Authentication>
  /** The holder of a key that an accepted call was made with, when it is run later; undefined when the key is gone or its holder is blocked. */
  keyHolder(uuid: string, key: string): Promise<StoredIdentity | undefined>
  /** Whom calls without credentials are charged to: the same subject while nothing changes; undefined when nobody may act in the namespace. */
  ownerOf(namespace: NamespaceName): Promise<StoredIdentity | undefined>
}
