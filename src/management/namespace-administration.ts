/** What operators do with namespaces as a whole: who may act in them, what is in them, and to be rid of them. Refuses as user-administration.ts does. */

import { concurrentModification, refusal } from '../model/errors.ts'
import type { SubjectName } from '../model/identity.ts'
import type { JsonValue } from '../model/json.ts'
import type { NamespaceLimits, SystemLimits } from '../model/limits.ts'
import { effectiveLimits, limitsDocument } from '../model/limits.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { formatPath, parseNamespaceName } from '../model/names.ts'
import type { ArtifactStore, Entity, EntityType } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import { editSubject } from './edit-subject.ts'
import type { NotifyChange } from './store-change.ts'

export interface NamespaceAdministrationDeps {
  readonly store: Pick<
    ArtifactStore,
    | 'getSubject'
    | 'putSubject'
    | 'listSubjects'
    | 'getLimits'
    | 'listLimits'
    | 'putLimits'
    | 'countEntities'
    | 'scanEntities'
    | 'deleteEntity'
  >
  readonly system: SystemLimits
  readonly changed: NotifyChange
}

export interface NamespaceSummary {
  readonly namespace: NamespaceName
  /** Subjects with a key for it. */
  readonly subjects: readonly SubjectName[]
}

export interface NamespaceDetails {
  readonly namespace: NamespaceName
  readonly subjects: readonly { readonly subject: SubjectName; readonly blocked: boolean; readonly uuid: string }[]
  /** How many it holds of each type. */
  readonly entities: Readonly<Record<EntityType, number>>
  readonly limits: NamespaceLimits
  /** What holds: its own limits over the system's. In the form of `GET /namespaces/_/limits`. */
  readonly effectiveLimits: Readonly<Record<string, JsonValue>>
}

/** What is told of an entity: never its parameters, nor its code. */
export interface EntitySummary {
  readonly type: EntityType
  readonly path: string
  readonly version: string
  readonly updated: number
}

export interface NamespaceAdministration {
  /** Namespaces that somebody has a key for, and those that have limits of their own, by name. */
  listNamespaces(): Promise<readonly NamespaceSummary[]>
  /** 404 for one that nobody has a key for, that holds nothing, and that has no limits. */
  getNamespace(namespace: string): Promise<NamespaceDetails>
  /** A page of what the namespace holds, or all of them together where none is named; `next` is the `after` of the next one. */
  listEntities(
    namespace: string | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<{ readonly entities: readonly EntitySummary[]; readonly next?: string }>
  /**
   * Removes the namespace: keys, entities, limits, in this order, so that nobody adds to it meanwhile. Subjects stay, with their other namespaces; records
   * stay until their age removes them. 409 when it holds entities, unless `force`. May be called again after a failure. Resolves with what went.
   */
  deleteNamespace(namespace: string, force: boolean): Promise<{ readonly subjects: number; readonly entities: number }>
}

const TYPES = ['action', 'package', 'trigger', 'rule'] as const satisfies readonly EntityType[]
/** Entities that are read at once while a namespace is emptied. */
const BATCH = 100

/** Namespace administration over a store. */
export function createNamespaceAdministration(deps: NamespaceAdministrationDeps): NamespaceAdministration {
  const { store, system, changed } = deps

  async function counts(namespace: NamespaceName): Promise<Readonly<Record<EntityType, number>>> {
    const [action = 0, package_ = 0, trigger = 0, rule = 0] = await Promise.all(
      TYPES.map((entityType) => store.countEntities({ entityType, namespace })),
    )
    return { action, package: package_, trigger, rule }
  }

  /** Takes the namespace's keys from everybody who has one. */
  async function takeKeys(namespace: NamespaceName): Promise<number> {
    const holders = await store.listSubjects(namespace)
    for (const { subject } of holders) {
      await editSubject(deps, subject, (stored) =>
        stored === undefined
          ? undefined
          : { ...stored, namespaces: stored.namespaces.filter(({ name }) => name !== namespace) },
      )
    }
    return holders.length
  }

  async function empty(namespace: NamespaceName): Promise<number> {
    let gone = 0
    for (;;) {
      const { entities } = await store.scanEntities({ namespace, limit: BATCH })
      if (entities.length === 0) return gone
      for (const { document, revision } of entities) {
        await store.deleteEntity(document, revision).catch((error: unknown) => {
          throw error instanceof RevisionConflict ? concurrentModification() : error
        })
        changed({ type: 'entity', name: nameOf(document) })
        gone++
      }
    }
  }

  return {
    async listNamespaces() {
      const found = new Map<NamespaceName, SubjectName[]>()
      for (const { namespace } of await store.listLimits()) found.set(namespace, [])
      for (const { subject, namespaces } of await store.listSubjects()) {
        for (const { name } of namespaces) found.set(name, [...(found.get(name) ?? []), subject])
      }
      return [...found]
        .map(([namespace, subjects]) => ({ namespace, subjects }))
        .toSorted((one, other) => (one.namespace < other.namespace ? -1 : 1))
    },

    async getNamespace(text) {
      const namespace = parseNamespaceName(text)
      const [holders, entities, limits] = await Promise.all([
        store.listSubjects(namespace),
        counts(namespace),
        store.getLimits(namespace),
      ])
      const nothing = holders.length === 0 && TYPES.every((type) => entities[type] === 0)
      if (nothing && Object.keys(limits).length === 0) throw missing(namespace)
      return {
        namespace,
        subjects: holders.flatMap(({ subject, blocked, namespaces }) =>
          namespaces.filter(({ name }) => name === namespace).map(({ uuid }) => ({ subject, blocked, uuid })),
        ),
        entities,
        limits,
        effectiveLimits: limitsDocument(effectiveLimits(system, limits), limits),
      }
    },

    async listEntities(text, after, limit) {
      const within = text === undefined ? {} : { namespace: parseNamespaceName(text) }
      const page = await store.scanEntities({ ...within, after, limit })
      return { ...page, entities: page.entities.map(({ document }) => summaryOf(document)) }
    },

    async deleteNamespace(text, force) {
      const namespace = parseNamespaceName(text)
      const held = Object.values(await counts(namespace)).reduce((sum, count) => sum + count, 0)
      if (held > 0 && !force) {
        throw refusal('CONFLICT', 409, `Namespace "${namespace}" holds ${held} entities: delete it with force`)
      }
      const subjects = await takeKeys(namespace)
      const entities = await empty(namespace)
      const limits = Object.keys(await store.getLimits(namespace)).length
      if (subjects + entities + limits === 0) throw missing(namespace)
      await store.putLimits(namespace, undefined)
      changed({ type: 'limits', namespace })
      return { subjects, entities }
    },
  }
}

function nameOf({ namespace, package: parent, name }: Entity): FullyQualifiedName {
  return parent === undefined ? { namespace, name } : { namespace, package: parent, name }
}

function summaryOf(entity: Entity): EntitySummary {
  return {
    type: entity.entityType,
    path: formatPath(entity),
    version: entity.version,
    updated: entity.updated,
  }
}

function missing(namespace: NamespaceName): Error {
  return refusal('NOT_FOUND', 404, `There is no namespace "${namespace}"`)
}
