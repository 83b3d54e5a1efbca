/** What the management plane tells others that it has changed, so that what they hold in memory goes at once. */

import type { SubjectName } from '../model/identity.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'

export type StoreChange =
  | { readonly type: 'entity'; readonly name: FullyQualifiedName }
  /** The subject was added, removed, blocked or unblocked, or its keys were changed. `namespaces`: those that it had keys for, and those that it has. */
  | { readonly type: 'subject'; readonly subject: SubjectName; readonly namespaces: readonly NamespaceName[] }
  | { readonly type: 'limits'; readonly namespace: NamespaceName }

/** Called after the write, before its caller is answered. Must not throw. */
export type NotifyChange = (change: StoreChange) => void
