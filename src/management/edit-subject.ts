/** One way to change a stored subject, for administrators and at start: read, change, write, again when somebody else was faster, then tell. */

import { concurrentModification, refusal } from '../model/errors.ts'
import type { Subject, SubjectName } from '../model/identity.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { NotifyChange } from './store-change.ts'

export interface EditSubjectDeps {
  readonly store: Pick<ArtifactStore, 'getSubject' | 'putSubject'>
  readonly changed: NotifyChange
}

const ATTEMPTS = 5

/**
 * Writes what `change` makes of the stored subject and resolves with it; `change` may run several times and makes undefined to leave the subject alone.
 * Rejects with 409 when another subject holds one of the uuids, or when others keep being faster.
 */
export async function editSubject(
  { store, changed }: EditSubjectDeps,
  name: SubjectName,
  change: (stored: Subject | undefined) => Subject | undefined,
): Promise<Subject | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await store.getSubject(name)
    const after = change(before?.document)
    if (after === undefined) return undefined
    try {
      await store.putSubject(after, before?.revision)
      announce(changed, name, before?.document, after)
      return after
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error
      // The subject is as we read it, so what conflicts is a uuid that another subject holds.
      if ((await store.getSubject(name))?.revision === before?.revision) {
        throw refusal('CONFLICT', 409, 'The authorization id belongs to another subject')
      }
    }
  }
  throw concurrentModification()
}

/** Tells that a subject is not what it was: the namespaces of its old keys and of its new ones. */
export function announce(
  changed: NotifyChange,
  subject: SubjectName,
  before: Subject | undefined,
  after: Subject | undefined,
): void {
  const namespaces = new Set([...(before?.namespaces ?? []), ...(after?.namespaces ?? [])].map(({ name }) => name))
  changed({ type: 'subject', subject, namespaces: [...namespaces] })
}
