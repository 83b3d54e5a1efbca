/**
 * The two subjects that a new data directory begins with: `guest`, whom people play with, and `whisk.system`, who owns the system's packages.
 *
 * OpenWhisk gives both keys that everybody knows, and its clients' test suites use them unedited. So:
 * - Listening on loopback only, a new data directory gets the well-known keys.
 * - Listening on any other address they get made-up keys, and where a key is a well-known one (the directory was served on loopback before) it is
 *   replaced. The new keys are returned once, to be printed; afterwards `stave user get` shows them.
 * - Back on loopback nothing changes: keys that were made up stay, since somebody may use them. `restoreWellKnown` brings the known ones back.
 * - `guest` is made together with `whisk.system` only, so that a `guest` that was deleted stays deleted.
 */

import type { NamespaceKey, Subject, SubjectName } from '../model/identity.ts'
import type { NamespaceName } from '../model/names.ts'
import { parseNamespaceName } from '../model/names.ts'
import { parseSubjectName } from '../model/subject-input.ts'
import { editSubject } from './edit-subject.ts'
import type { UserAdministrationDeps } from './user-administration.ts'

/** The keys of OpenWhisk's standalone server, by subject. */
export const WELL_KNOWN_KEYS = {
  guest: {
    uuid: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502',
    key: '123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
  },
  'whisk.system': {
    uuid: '789c46b1-71f6-4ed5-8c54-816aa4f8c502',
    key: 'abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
  },
} as const

export interface BootstrapOptions {
  /** The public listener is reachable from this machine only. */
  readonly loopback: boolean
  /** On loopback: gives guest and whisk.system their well-known keys back. */
  readonly restoreWellKnown?: boolean
}

export interface SeededKey extends NamespaceKey {
  readonly subject: SubjectName
}

/**
 * Seeds and secures the two subjects. Resolves with the keys that were made up now and are known to nobody yet. Idempotent; several processes may do
 * it at once. Rejects as the store does.
 */
export async function bootstrapSubjects(
  deps: UserAdministrationDeps,
  { loopback, restoreWellKnown = false }: BootstrapOptions,
): Promise<readonly SeededKey[]> {
  const fresh = (await deps.store.getSubject(parseSubjectName('whisk.system'))) === undefined
  const made: SeededKey[] = []
  for (const name of ['guest', 'whisk.system'] as const) {
    const subject = parseSubjectName(name)
    const namespace = parseNamespaceName(name)
    const key = loopback ? { name: namespace, ...WELL_KNOWN_KEYS[name] } : newKey(deps, namespace)
    const written = await editSubject(deps, subject, (stored) => {
      if (stored === undefined) return fresh ? { subject, namespaces: [key], blocked: false } : undefined
      return loopback && restoreWellKnown ? withKey(stored, key) : undefined
    })
    if (written !== undefined && !loopback) made.push({ subject, ...key })
  }
  return loopback ? made : [...made, ...(await replaceKnown(deps))]
}

/** Replaces well-known keys wherever they are: those that somebody gave to other subjects or namespaces let strangers in just the same. */
async function replaceKnown(deps: UserAdministrationDeps): Promise<readonly SeededKey[]> {
  const made: SeededKey[] = []
  for (const { subject, namespaces } of await deps.store.listSubjects()) {
    for (const { name } of namespaces.filter(isWellKnown)) {
      const key = newKey(deps, name)
      const written = await editSubject(deps, subject, (stored) =>
        stored?.namespaces.some((held) => held.name === name && isWellKnown(held)) === true
          ? withKey(stored, key)
          : undefined,
      )
      if (written !== undefined) made.push({ subject, ...key })
    }
  }
  return made
}

function isWellKnown({ key }: NamespaceKey): boolean {
  // The secret alone: with another uuid it is just as known.
  return Object.values(WELL_KNOWN_KEYS).some((known) => known.key === key)
}

function newKey(deps: UserAdministrationDeps, name: NamespaceName): NamespaceKey {
  return { name, uuid: deps.credentials.uuid(), key: deps.credentials.secret() }
}

/** The subject with `key` as that namespace's, added where it is not there. */
function withKey(stored: Subject, key: NamespaceKey): Subject {
  return { ...stored, namespaces: [...stored.namespaces.filter((held) => held.name !== key.name), key] }
}
