/** Lists of a collection, or of a part of it, and how many there are. */

import { listRange } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { ArtifactStore, EntityOf, EntityQuery, EntityType } from '../stores/artifact-store.ts'
import type { ApiCall } from './api-call.ts'

export interface ListDeps {
  readonly artifacts: Pick<ArtifactStore, 'listEntities' | 'countEntities'>
  readonly system: Pick<SystemLimits, 'listStd' | 'listMax'>
}

/** Answers the newest of some entities, or their number; the collection is the type's plural. Rejects with 400. */
export async function sendList<Type extends EntityType>(
  call: ApiCall,
  scope: Omit<EntityQuery<Type>, 'skip' | 'limit'>,
  render: (entity: EntityOf<Type>) => unknown,
  on: ListDeps,
): Promise<void> {
  const collection = `${scope.entityType}s`
  const { skip, limit, count } = listRange(call.query, collection, on.system.listStd, on.system.listMax) // -> 400
  if (count) {
    const total = await on.artifacts.countEntities(scope)
    sendJson(call, 200, JSON.stringify({ [collection]: Math.max(0, total - skip) }))
    return
  }
  const entities = await on.artifacts.listEntities({ ...scope, skip, limit })
  sendJson(call, 200, JSON.stringify(entities.map(render)))
}
