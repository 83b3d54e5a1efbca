/** Who calls: a subject acting in one namespace through one key. */

import type { Brand } from './brand.ts'
import type { EffectiveLimits, NamespaceLimits } from './limits.ts'
import type { NamespaceName } from './names.ts'

export type SubjectName = Brand<string, 'SubjectName'>

export type Right = 'READ' | 'PUT' | 'DELETE' | 'ACTIVATE'
export const ALL_RIGHTS: readonly Right[] = ['READ', 'PUT', 'DELETE', 'ACTIVATE']

/** A namespace of a subject with its credentials, as stored. */
export interface NamespaceKey {
  readonly name: NamespaceName
  readonly uuid: string
  /** 64 characters; longer ones may be stored but never authenticate. */
  readonly key: string
}

/** A stored subject (OpenWhisk's document in the `subjects` database). */
export interface Subject {
  readonly subject: SubjectName
  readonly namespaces: readonly NamespaceKey[]
  readonly blocked: boolean
}

/** What an `Authorization` header resolves to. */
export interface Identity {
  readonly subject: SubjectName
  readonly namespace: NamespaceName
  readonly uuid: string
  readonly key: string
  readonly rights: readonly Right[]
  readonly ownLimits: NamespaceLimits
  readonly limits: EffectiveLimits
}

/** What is known of a caller where identities are kept; limits are made effective above. */
export interface StoredIdentity {
  readonly subject: SubjectName
  readonly namespace: NamespaceKey
  /** What the credential allows. default: everything */
  readonly rights?: readonly Right[]
  readonly limits: NamespaceLimits
}

/** `uuid:key`, the form in `.wskprops` and `__OW_API_KEY`. */
export function apiKey(identity: { readonly uuid: string; readonly key: string }): string {
  return `${identity.uuid}:${identity.key}`
}
