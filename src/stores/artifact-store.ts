/** Where entities, their code, subjects and namespace limits are kept. Every implementation passes test/conformance/artifact-store.ts. */

import type { Action, CodeDigest } from '../model/action.ts'
import { Fault } from '../model/errors.ts'
import type { StoredIdentity, Subject, SubjectName } from '../model/identity.ts'
import type { Revision } from '../model/ids.ts'
import type { NamespaceLimits } from '../model/limits.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../model/names.ts'
import type { Package } from '../model/package.ts'
import type { Rule } from '../model/rule.ts'
import type { Trigger } from '../model/trigger.ts'

/** All kinds of entities share one id space, `NS/name` or `NS/PKG/name`. */
export type Entity = Action | Package | Trigger | Rule
export type EntityType = Entity['entityType']
/** The entities of one type. */
export type EntityOf<Type extends EntityType> = Extract<Entity, { readonly entityType: Type }>

/** A document and the revision under which it was read. */
export interface Stored<Document> {
  readonly revision: Revision
  readonly document: Document
}

export interface EntityQuery<Type extends EntityType = EntityType> {
  readonly entityType: Type
  readonly namespace: NamespaceName
  /** Only entities of this package; absent: the whole namespace, packaged entities included. */
  readonly package?: EntityName
  /** True: only packages that everybody may read; for `entityType` package alone. default false */
  readonly shared?: boolean
  readonly skip: number
  /** Rows at most; 0 is none. */
  readonly limit: number
}

export interface EntityScan {
  /** default: all namespaces */
  readonly namespace?: NamespaceName
  /** `next` of the page before. default: from the beginning */
  readonly after?: string | undefined
  /** Rows at most, above 0. */
  readonly limit: number
}

/** The revision in the store is not the one that the writer read, or a document exists where it was to be created. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict'
}

/**
 * The store cannot take this write, or cannot answer, right now (full or failing disk, lost connection). Nothing was written, unless
 * the time ran out during the commit itself. Trying again can help.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** What is stored under that name is no entity: somebody else wrote it, or the disk did. */
export class EntityUnreadable extends Fault {
  override readonly name = 'EntityUnreadable'

  constructor(where: string) {
    super(`the document of ${where} is no entity`, { told: 'Resource is corrupted and cannot be read.' })
  }
}

/**
 * All methods may reject with `StoreUnavailable`, those that read entities with `EntityUnreadable`. Reads see every write that resolved before they began. No method needs a deadline of its own: an
 * implementation bounds each call by the `operationTimeoutMs` that it was opened with and rejects with `StoreUnavailable` then.
 */
export interface ArtifactStore {
  /** The entity of that name whatever its type, or undefined. */
  getEntity(name: FullyQualifiedName): Promise<Stored<Entity> | undefined>
  /**
   * Writes an entity, and its code under `action.exec.code` when `code` is given (absent: the digest is stored already).
   * `expected` is the revision read before, or undefined to create. Rejects with `RevisionConflict`. Atomic.
   */
  putEntity(entity: Entity, code: string | undefined, expected: Revision | undefined): Promise<Revision>
  /** Removes the entity if it still has revision `expected`; rejects with `RevisionConflict` otherwise. Its code goes when nothing refers to it. */
  deleteEntity(name: FullyQualifiedName, expected: Revision): Promise<void>
  /** Newest `updated` first. May be cut short, to one entity at least, where the documents would exceed 64 MB together. */
  listEntities<Type extends EntityType>(query: EntityQuery<Type>): Promise<readonly EntityOf<Type>[]>
  /** How many entities match, regardless of `skip` and `limit`. */
  countEntities(query: Omit<EntityQuery, 'skip' | 'limit'>): Promise<number>
  /**
   * Entities in the order in which they were created, for maintenance: one written meanwhile is seen as it was or as it is. May be cut short as lists are;
   * `next` is the `after` of the next page, undefined at the end.
   */
  scanEntities(scan: EntityScan): Promise<{ readonly entities: readonly Stored<Entity>[]; readonly next?: string }>
  /** The code text of that digest, or undefined. Kept for at least ten minutes after the last reference went, for containers that start meanwhile. */
  getCode(digest: CodeDigest): Promise<string | undefined>

  /** The caller of `uuid:key`; undefined when unknown or its subject is blocked. */
  findIdentity(uuid: string, key: string): Promise<StoredIdentity | undefined>
  /** One of the keys of `namespace`, always the same while nothing changes; undefined when it has none, or only those of blocked subjects. */
  findNamespace(namespace: NamespaceName): Promise<StoredIdentity | undefined>
  getSubject(subject: SubjectName): Promise<Stored<Subject> | undefined>
  /** As `putEntity`. Rejects with `RevisionConflict` also when another subject holds one of the uuids. */
  putSubject(subject: Subject, expected: Revision | undefined): Promise<Revision>
  deleteSubject(subject: SubjectName, expected: Revision): Promise<void>
  /** Subjects with a key for `namespace`, by name; all subjects when it is absent. */
  listSubjects(namespace?: NamespaceName): Promise<readonly Subject[]>

  /** The namespace's overrides; `{}` when there are none. */
  getLimits(namespace: NamespaceName): Promise<NamespaceLimits>
  /** Namespaces that have overrides, by name. */
  listLimits(): Promise<readonly { readonly namespace: NamespaceName; readonly limits: NamespaceLimits }[]>
  /** Replaces the overrides; undefined removes them. */
  putLimits(namespace: NamespaceName, limits: NamespaceLimits | undefined): Promise<void>

  /** Resolves when the store can read and write; rejects with `StoreUnavailable` and a reason. For readiness. */
  probe(): Promise<void>
  /** Finishes what is under way. Idempotent. */
  close(): Promise<void>
}
