/**
 * What operators do with subjects, keys and limits: `wskadmin`'s semantics and messages on the artifact store alone. The admin API serves it; the
 * command line calls it directly on a data directory that no server has open.
 *
 * Everything that cannot be done is a `Refusal`: 400 for bad input, 404 for what does not exist, 409 for what is in the way.
 */

import { concurrentModification, refusal } from '../model/errors.ts'
import type { NamespaceKey, Subject, SubjectName } from '../model/identity.ts'
import type { JsonObject } from '../model/json.ts'
import type { NamespaceLimits } from '../model/limits.ts'
import { changeLimits } from '../model/limits-input.ts'
import type { NamespaceName } from '../model/names.ts'
import { parseNamespaceName } from '../model/names.ts'
import { namespaceOf, parseAuthorizationPair, parseSubjectName } from '../model/subject-input.ts'
import type { ArtifactStore, Stored } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { CredentialSource } from './credentials.ts'
import { announce, editSubject } from './edit-subject.ts'
import type { NotifyChange } from './store-change.ts'
import { parseSubjectDocument } from './subject-documents.ts'

export interface UserAdministrationDeps {
  readonly store: Pick<
    ArtifactStore,
    | 'getSubject'
    | 'putSubject'
    | 'deleteSubject'
    | 'listSubjects'
    | 'findIdentity'
    | 'getLimits'
    | 'listLimits'
    | 'putLimits'
  >
  readonly credentials: CredentialSource
  readonly changed: NotifyChange
}

export interface NewUser {
  readonly subject: string
  /** Default: the subject's name. */
  readonly namespace?: string | undefined
  /** `uuid:key`; default: made up. */
  readonly authorization?: string | undefined
  /** Replaces the key where the subject has the namespace already. */
  readonly regenerate?: boolean | undefined
}

/** How a key is replaced. */
export interface Rotation {
  /** Only the secret is replaced. default: the uuid as well */
  readonly keepUuid?: boolean | undefined
}

/** A key and whose it is. */
export interface SubjectKey extends NamespaceKey {
  readonly subject: SubjectName
  readonly blocked: boolean
}

export interface UserAdministration {
  /** Adds a subject, or a namespace to it; resolves with the key. 409 `Namespace already exists` or when the subject is blocked. */
  createUser(user: NewUser): Promise<NamespaceKey>
  getUser(subject: string): Promise<Subject>
  /** The subject's key for a namespace, its own by default. */
  getKey(subject: string, namespace?: string): Promise<NamespaceKey>
  /** Gives the namespace, its own by default, a new uuid and secret: the old ones stop working at once. */
  rotateKey(subject: string, namespace?: string, rotation?: Rotation): Promise<NamespaceKey>
  /**
   * Adds a namespace to a subject that there is, with a made-up key unless `authorization` gives one. Idempotent: where the subject has the namespace it
   * keeps its key, and `added` is false; 409 when another one was asked for.
   */
  addNamespace(subject: string, namespace: string, authorization?: string): Promise<NamespaceKey & { added: boolean }>
  /** Keys of a namespace, or all; blocked subjects' too. */
  listKeys(namespace?: string): Promise<readonly SubjectKey[]>
  /** Subjects with a key for `namespace`, or all, by name. */
  listSubjects(namespace?: string): Promise<readonly Subject[]>
  /** Adds or replaces a subject by its document (subject-documents.ts). Idempotent. 409 when another subject holds one of its uuids. */
  putSubject(subject: string, document: JsonObject): Promise<Subject>
  /** Whose key `uuid:key` is; 404 also when its subject is blocked. */
  whoIs(authorization: string): Promise<{ readonly subject: SubjectName; readonly namespace: NamespaceName }>
  /** Removes the subject, or only one of its namespaces. What the namespaces hold stays. */
  deleteUser(subject: string, namespace?: string): Promise<void>
  setBlocked(subject: string, blocked: boolean): Promise<void>
  /** The namespace's own limits; `{}` when it has none. */
  getLimits(namespace: string): Promise<NamespaceLimits>
  /** Sets some limits; null removes one. Resolves with the namespace's own limits as they are then. */
  setLimits(namespace: string, change: JsonObject): Promise<NamespaceLimits>
  /** Namespaces with limits of their own. */
  listLimits(): ReturnType<ArtifactStore['listLimits']>
  /** As `setLimits`, with all others removed. */
  replaceLimits(namespace: string, limits: JsonObject): Promise<NamespaceLimits>
  deleteLimits(namespace: string): Promise<void>
}

/** User administration over a store. */
export function createUserAdministration(deps: UserAdministrationDeps): UserAdministration {
  const { store, credentials, changed } = deps

  async function existing(subject: string): Promise<Stored<Subject>> {
    return (await store.getSubject(parseSubjectName(subject))) ?? missingSubject()
  }

  async function putLimits(name: NamespaceName, limits: NamespaceLimits): Promise<NamespaceLimits> {
    await store.putLimits(name, Object.keys(limits).length === 0 ? undefined : limits)
    changed({ type: 'limits', namespace: name })
    return limits
  }

  const newKey = (name: NamespaceName): NamespaceKey => ({
    name,
    uuid: credentials.uuid(),
    key: credentials.secret(),
  })

  return {
    async createUser({ subject, namespace, authorization, regenerate }) {
      const name = parseSubjectName(subject)
      const wanted = namespaceOf(name, namespace)
      const key =
        authorization === undefined ? newKey(wanted) : { name: wanted, ...parseAuthorizationPair(authorization) }
      await editSubject(deps, name, (stored) => {
        if (stored === undefined) return { subject: name, namespaces: [key], blocked: false }
        if (stored.blocked) throw refusal('CONFLICT', 409, 'The subject you want to edit is blocked')
        if (findKey(stored, wanted) === undefined) return { ...stored, namespaces: [...stored.namespaces, key] }
        if (regenerate !== true) throw refusal('CONFLICT', 409, 'Namespace already exists')
        return withKey(stored, key)
      })
      return key
    },

    async getUser(subject) {
      return (await existing(subject)).document
    },

    async getKey(subject, namespace) {
      const { document } = await existing(subject)
      const wanted = namespaceOf(document.subject, namespace)
      return findKey(document, wanted) ?? missingNamespace(`namespace "${wanted}" not found for "${subject}"`)
    },

    async addNamespace(subject, namespace, authorization) {
      const name = parseSubjectName(subject)
      const wanted = parseNamespaceName(namespace)
      const given = authorization === undefined ? undefined : parseAuthorizationPair(authorization)
      let key = given === undefined ? newKey(wanted) : { name: wanted, ...given }
      const written = await editSubject(deps, name, (stored) => {
        if (stored === undefined) return missingSubject()
        const held = findKey(stored, wanted)
        if (held === undefined) return { ...stored, namespaces: [...stored.namespaces, key] }
        const same = given === undefined || (given.uuid === held.uuid && given.key === held.key)
        if (!same) throw refusal('CONFLICT', 409, 'Namespace already exists')
        key = held
        return undefined
      })
      return { ...key, added: written !== undefined }
    },

    async rotateKey(subject, namespace, { keepUuid = false } = {}) {
      const name = parseSubjectName(subject)
      const wanted = namespaceOf(name, namespace)
      let key = newKey(wanted)
      await editSubject(deps, name, (stored) => {
        if (stored === undefined) return missingSubject()
        const held = findKey(stored, wanted) ?? missingNamespace(`namespace "${wanted}" not found for "${subject}"`)
        if (keepUuid) key = { ...key, uuid: held.uuid }
        return withKey(stored, key)
      })
      return key
    },

    async listKeys(namespace) {
      const wanted = namespace === undefined ? undefined : parseNamespaceName(namespace)
      const subjects = await store.listSubjects(wanted)
      return subjects.flatMap(({ subject, blocked, namespaces }) =>
        namespaces
          .filter(({ name }) => wanted === undefined || name === wanted)
          .map(({ name, uuid, key }) => ({ subject, blocked, name, uuid, key })),
      )
    },

    listSubjects: async (namespace) =>
      store.listSubjects(namespace === undefined ? undefined : parseNamespaceName(namespace)),

    async putSubject(subject, document) {
      const parsed = parseSubjectDocument(document, subject)
      await editSubject(deps, parsed.subject, () => parsed)
      return parsed
    },

    async whoIs(authorization) {
      const colon = authorization.indexOf(':')
      const found = await store.findIdentity(authorization.slice(0, Math.max(0, colon)), authorization.slice(colon + 1))
      if (found === undefined) throw refusal('NOT_FOUND', 404, 'Subject id is not recognized')
      return { subject: found.subject, namespace: found.namespace.name }
    },

    async deleteUser(subject, namespace) {
      const name = parseSubjectName(subject)
      if (namespace !== undefined) {
        const wanted = parseNamespaceName(namespace)
        await editSubject(deps, name, (stored) => {
          if (stored === undefined) return missingSubject('Subject to delete not found')
          if (findKey(stored, wanted) === undefined) {
            missingNamespace(`Namespace "${wanted}" does not exist for "${subject}"`)
          }
          return { ...stored, namespaces: stored.namespaces.filter((key) => key.name !== wanted) }
        })
        return
      }
      const stored = (await store.getSubject(name)) ?? missingSubject('Subject to delete not found')
      await store.deleteSubject(name, stored.revision).catch(rethrowConflict)
      announce(changed, name, stored.document, undefined)
    },

    async setBlocked(subject, blocked) {
      await editSubject(deps, parseSubjectName(subject), (stored) =>
        stored === undefined ? missingSubject() : { ...stored, blocked },
      )
    },

    async getLimits(namespace) {
      return store.getLimits(parseNamespaceName(namespace))
    },

    async setLimits(namespace, change) {
      const name = parseNamespaceName(namespace)
      return putLimits(name, changeLimits(await store.getLimits(name), change))
    },

    listLimits: () => store.listLimits(),

    async replaceLimits(namespace, limits) {
      return putLimits(parseNamespaceName(namespace), changeLimits({}, limits))
    },

    async deleteLimits(namespace) {
      const name = parseNamespaceName(namespace)
      await store.putLimits(name, undefined)
      changed({ type: 'limits', namespace: name })
    },
  }
}

function findKey(subject: Subject, namespace: NamespaceName): NamespaceKey | undefined {
  return subject.namespaces.find((key) => key.name === namespace)
}

function withKey(subject: Subject, key: NamespaceKey): Subject {
  return { ...subject, namespaces: subject.namespaces.map((old) => (old.name === key.name ? key : old)) }
}

function missingSubject(message = 'Failed to get subject (not found)'): never {
  throw refusal('NOT_FOUND', 404, message)
}

function missingNamespace(message: string): never {
  throw refusal('NOT_FOUND', 404, message)
}

function rethrowConflict(error: unknown): never {
  throw error instanceof RevisionConflict ? concurrentModification() : error
}
