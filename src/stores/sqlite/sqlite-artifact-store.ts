/** `ArtifactStore` on SQLite: the main thread's side, documents in and out. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { CodeDigest } from '../../model/action.ts'
import type { Clock } from '../../model/clock.ts'
import type { StoredIdentity, Subject, SubjectName } from '../../model/identity.ts'
import type { Revision } from '../../model/ids.ts'
import type { NamespaceLimits } from '../../model/limits.ts'
import type { FullyQualifiedName, NamespaceName } from '../../model/names.ts'
import { formatPath } from '../../model/names.ts'
import { isJsonObject } from '../../model/json.ts'
import { isShared } from '../../model/package.ts'
import type { ArtifactStore, Entity, EntityOf, EntityQuery, EntityScan, EntityType, Stored } from '../artifact-store.ts'
import { EntityUnreadable } from '../artifact-store.ts'
import type { EntityKey } from './artifact-operations.ts'
import type { StoreConnection } from './store-connection.ts'

/** OpenWhisk authenticates only keys of this length, whatever is stored. */
const KEY_LENGTH = 64
/** Containers that are being started may still ask for the code of an entity that is gone. */
const CODE_KEPT_MS = 10 * 60_000
const COLLECT_BATCH = 20
const ENTITY_TYPES: ReadonlySet<unknown> = new Set<EntityType>(['action', 'package', 'trigger', 'rule'])
/** Characters that one list may hold. */
const LIST_BUDGET = 64 * 1024 * 1024

export class SqliteArtifactStore implements ArtifactStore {
  readonly #connection: StoreConnection<'artifacts'>
  readonly #clock: Clock

  constructor(connection: StoreConnection<'artifacts'>, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** Opens and migrates the file now; the first use does it as well. Rejects with `OpenRefused` or `StoreUnavailable`. */
  open(): Promise<void> {
    return this.#connection.open()
  }

  async getEntity(name: FullyQualifiedName): Promise<Stored<Entity> | undefined> {
    const where = formatPath(name)
    return stored(await this.#connection.call('getEntity', keyOf(name)), (text) => parseEntity(text, where))
  }

  async putEntity(entity: Entity, code: string | undefined, expected: Revision | undefined): Promise<Revision> {
    return parseRevision(
      await this.#connection.call(
        'putEntity',
        keyOf(entity),
        [entity.entityType, entity.updated, isPublic(entity), digestOf(entity) ?? null, JSON.stringify(entity)],
        code ?? null,
        expected ?? null,
        this.#clock.now(),
      ),
    )
  }

  async deleteEntity(name: FullyQualifiedName, expected: Revision): Promise<void> {
    await this.#connection.call('deleteEntity', keyOf(name), expected, this.#clock.now())
  }

  async listEntities<Type extends EntityType>(query: EntityQuery<Type>): Promise<readonly EntityOf<Type>[]> {
    const documents = await this.#connection.call('listEntities', listOf(query), query.skip, query.limit, LIST_BUDGET)
    // The statement selects by type.
    return documents.map((document) => parseEntity(document, query.namespace) as EntityOf<Type>)
  }

  countEntities(query: Omit<EntityQuery, 'skip' | 'limit'>): Promise<number> {
    return this.#connection.call('countEntities', listOf(query))
  }

  async scanEntities({ namespace, after, limit }: EntityScan): ReturnType<ArtifactStore['scanEntities']> {
    const budget = LIST_BUDGET
    const rows = await this.#connection.call('scanEntities', namespace ?? null, Number(after ?? 0), limit, budget)
    const last = rows.at(-1)
    return {
      entities: rows.map(([id, revision, document]) => ({
        revision: parseRevision(revision),
        document: parseEntity(document, `row ${id}`),
      })),
      ...(last !== undefined && { next: `${last[0]}` }),
    }
  }

  async getCode(digest: CodeDigest): Promise<string | undefined> {
    return (await this.#connection.call('getCode', digest)) ?? undefined
  }

  async findIdentity(uuid: string, key: string): Promise<StoredIdentity | undefined> {
    if (key.length !== KEY_LENGTH) return undefined
    const found = await this.#connection.call('findKey', uuid)
    if (found === null) return undefined
    const [subject, name, storedKey, limits] = found
    if (!equalInConstantTime(key, storedKey)) return undefined
    return {
      subject: subject as SubjectName,
      namespace: { name: name as NamespaceName, uuid, key },
      limits: limits === null ? {} : parseLimits(limits),
    }
  }

  async findNamespace(namespace: NamespaceName): Promise<StoredIdentity | undefined> {
    const found = await this.#connection.call('findNamespaceKey', namespace)
    if (found === null) return undefined
    const [subject, uuid, key, limits] = found
    return {
      subject: subject as SubjectName,
      namespace: { name: namespace, uuid, key },
      limits: limits === null ? {} : parseLimits(limits),
    }
  }

  async getSubject(subject: SubjectName): Promise<Stored<Subject> | undefined> {
    return stored(await this.#connection.call('getSubject', subject), parseSubject)
  }

  async putSubject(subject: Subject, expected: Revision | undefined): Promise<Revision> {
    const keys = subject.namespaces.flatMap(({ uuid, key, name }) => [uuid, key, name])
    const document = JSON.stringify(subject)
    return parseRevision(
      await this.#connection.call('putSubject', subject.subject, subject.blocked, document, keys, expected ?? null),
    )
  }

  async deleteSubject(subject: SubjectName, expected: Revision): Promise<void> {
    await this.#connection.call('deleteSubject', subject, expected)
  }

  async listSubjects(namespace?: NamespaceName): Promise<readonly Subject[]> {
    const documents = await this.#connection.call('listSubjects', namespace ?? null)
    return documents.map((document) => parseSubject(document))
  }

  async getLimits(namespace: NamespaceName): Promise<NamespaceLimits> {
    const document = await this.#connection.call('getLimits', namespace)
    return document === null ? {} : parseLimits(document)
  }

  async listLimits(): ReturnType<ArtifactStore['listLimits']> {
    const found = await this.#connection.call('listLimits')
    return found.map(([namespace, document]) => ({
      namespace: namespace as NamespaceName,
      limits: parseLimits(document),
    }))
  }

  async putLimits(namespace: NamespaceName, limits: NamespaceLimits | undefined): Promise<void> {
    await this.#connection.call('putLimits', namespace, limits === undefined ? null : JSON.stringify(limits))
  }

  /** Removes code that nothing has referred to for ten minutes, a bounded batch a call; resolves with how many texts went. */
  collectCode(): Promise<number> {
    return this.#connection.call('collectCode', this.#clock.now() - CODE_KEPT_MS, COLLECT_BATCH)
  }

  async probe(): Promise<void> {
    await this.#connection.call('probe', this.#clock.now())
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

function keyOf(name: FullyQualifiedName): EntityKey {
  return [name.namespace, name.package ?? '', name.name]
}

function listOf(query: Omit<EntityQuery, 'skip' | 'limit'>) {
  return [query.entityType, query.namespace, query.package ?? null, query.shared ?? false] as const
}

function isPublic(entity: Entity): boolean {
  return entity.entityType === 'package' && isShared(entity)
}

function digestOf(entity: Entity): CodeDigest | undefined {
  return 'exec' in entity && 'code' in entity.exec ? entity.exec.code : undefined
}

function stored<Document>(
  found: readonly [revision: string, document: string] | null,
  parse: (document: string) => Document,
): Stored<Document> | undefined {
  return found === null ? undefined : { revision: parseRevision(found[0]), document: parse(found[1]) }
}

function parseRevision(text: string): Revision {
  return text as Revision
}

/** What this store wrote has the shape of what it was given. `where` is for the log. Throws `EntityUnreadable` for what it cannot have written. */
function parseEntity(text: string, where: string): Entity {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new EntityUnreadable(where)
  }
  if (!isEntity(document)) throw new EntityUnreadable(where)
  return document
}

function isEntity(value: unknown): value is Entity {
  return isJsonObject(value) && ENTITY_TYPES.has(value['entityType']) && Array.isArray(value['annotations'])
}

// What these read was written by this store: its shape is that of the types that were handed in.

function parseSubject(document: string): Subject {
  return JSON.parse(document) as Subject
}

function parseLimits(document: string): NamespaceLimits {
  return JSON.parse(document) as NamespaceLimits
}

/** Compares digests, so that neither length nor common prefix of the keys shows in the time that it takes. */
function equalInConstantTime(one: string, other: string): boolean {
  return timingSafeEqual(digestBytes(one), digestBytes(other))
}

function digestBytes(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
