/** Entities as the resources of a collection look for them: by name and type. */

import { concurrentModification, wrongCollection } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { ArtifactStore, EntityOf, EntityType, Stored } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'

/** The entity of that name; undefined when the name is free. Rejects with 409 when something of another type has it. */
export async function findEntity<Type extends EntityType>(
  artifacts: Pick<ArtifactStore, 'getEntity'>,
  entityType: Type,
  name: FullyQualifiedName,
): Promise<Stored<EntityOf<Type>> | undefined> {
  const found = await artifacts.getEntity(name)
  if (found === undefined) return undefined
  const { revision, document } = found
  if (!isOfType(document, entityType)) throw wrongCollection()
  return { revision, document }
}

/** Whether the entity is one of that type. */
export function isOfType<Type extends EntityType>(
  entity: EntityOf<EntityType>,
  entityType: Type,
): entity is EntityOf<Type> {
  return entity.entityType === entityType
}

/** For `catch`: the 409 of somebody who wrote the entity between our read and our write. */
export function refuseConflict(error: unknown): never {
  throw error instanceof RevisionConflict ? concurrentModification() : error
}
