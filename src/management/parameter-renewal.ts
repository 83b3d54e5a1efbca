/** Moves stored parameters to the current key, or out of encryption when it was turned off: a bounded batch a call, so that nothing else has to wait. */

import { malformedContent } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { ArtifactStore, Entity } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { AdminRoutes } from './admin-route.ts'
import { textField } from './admin-route.ts'
import type { NotifyChange } from './store-change.ts'

export interface ParameterRenewalDeps {
  readonly store: Pick<ArtifactStore, 'getEntity' | 'putEntity' | 'scanEntities'>
  readonly cipher: ParameterCipher
  readonly keys: readonly { readonly scheme: string; readonly id: string }[]
  readonly changed: NotifyChange
}

/** What one batch came to. */
export interface Renewal {
  /** Entities that were looked at. */
  readonly examined: number
  /** Entities that were written. */
  readonly renewed: number
  /** Values that none of the keys fits; they stay as they are. */
  readonly unreadable: number
  /** `after` of the next batch; absent when all have been looked at. */
  readonly next?: string
}

/** Entities a batch: each that changes is a write to the disk of its own. */
const BATCH = 100
/** Tries at an entity that its owner changes at the same time. */
const ATTEMPTS = 5

/** Renews the entities after `after`. May be called again from anywhere, and by several at once. */
export async function renewParameters(deps: ParameterRenewalDeps, after: string | undefined): Promise<Renewal> {
  const { entities, next } = await deps.store.scanEntities({ after, limit: BATCH })
  let renewed = 0
  let unreadable = 0
  for (const { document } of entities) {
    const found = await renewEntity(deps, document)
    if (found.changed) renewed++
    unreadable += found.unreadable
  }
  return { examined: entities.length, renewed, unreadable, ...(next !== undefined && { next }) }
}

async function renewEntity(
  { store, cipher, changed }: ParameterRenewalDeps,
  { namespace, package: parent, name: own }: Entity,
): Promise<{ readonly changed: boolean; readonly unreadable: number }> {
  const name: FullyQualifiedName =
    parent === undefined ? { namespace, name: own } : { namespace, package: parent, name: own }
  for (let attempt = 1; ; attempt++) {
    const stored = await store.getEntity(name)
    if (stored === undefined) return { changed: false, unreadable: 0 }
    const { entity, ...found } = cipher.renew(stored.document)
    if (!found.changed) return found
    try {
      await store.putEntity(entity, undefined, stored.revision)
      changed({ type: 'entity', name })
      return found
    } catch (error) {
      if (!(error instanceof RevisionConflict) || attempt === ATTEMPTS) throw error
    }
  }
}

/** Routes below `/admin/`: which keys there are, and a batch of renewal. */
export function parameterRoutes(deps: ParameterRenewalDeps): AdminRoutes {
  const { cipher, keys } = deps
  return {
    parameters: {
      GET: () => ({
        current: cipher.current === undefined ? 'off' : cipher.current.scheme,
        keys: keys.map(({ scheme, id }) => ({
          scheme,
          id,
          current: scheme === cipher.current?.scheme && id === cipher.current.id,
        })),
        counters: cipher.counters,
      }),
    },
    'parameters/renew': {
      POST: async (call) => {
        const after = textField(await call.optionalBody(), 'after')
        if (after !== undefined && !/^\d{1,15}$/.test(after))
          throw malformedContent("'after' must be a 'next' of before")
        const renewal = await renewParameters(deps, after)
        call.note({ ...renewal })
        return renewal
      },
    },
  }
}
