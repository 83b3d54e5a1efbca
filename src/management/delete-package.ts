/** `DELETE /packages/P`: a package goes when it is empty, or with all that is in it; a binding goes at any time. */

import { booleanParameter } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { notFound, refusal } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { Package } from '../model/package.ts'
import { packageJson } from '../model/package.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { ApiCall } from './api-call.ts'
import { findEntity, refuseConflict } from './find-entity.ts'
import type { PackagesDeps } from './packages.ts'

/** Deletes the package. What is bound to it stays, and refers to nothing. */
export async function deletePackage(call: ApiCall, name: FullyQualifiedName, on: PackagesDeps): Promise<void> {
  await requireRight(on.entitlement, call.identity, 'DELETE', { collection: 'packages', ...name }) // -> 403
  const force = booleanParameter(call.query, 'force', false) // -> 400
  const stored = await findEntity(on.artifacts, 'package', name) // -> 409
  if (stored === undefined) throw notFound()
  const { document, revision } = stored
  if (document.binding === undefined) {
    if (force) await empty(document, on)
    else await requireEmpty(document, on) // -> 409
  }
  await on.artifacts.deleteEntity(name, revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  sendJson(call, 200, JSON.stringify(packageJson(document)))
}

async function requireEmpty({ namespace, name }: Package, on: PackagesDeps): Promise<void> {
  const count = await on.artifacts.countEntities({ entityType: 'action', namespace, package: name })
  if (count === 0) return
  const contents = count === 1 ? '1 entity' : `${count} entities`
  const text = `Package not empty (contains ${contents}). Set force param or delete package contents.`
  throw refusal('CONFLICT', 409, text)
}

/** Deletes what is in the package, one action after the other, until nothing is: not atomic, as in OpenWhisk. */
async function empty({ namespace, name }: Package, on: PackagesDeps): Promise<void> {
  for (;;) {
    const limit = on.system.listMax
    const contents = await on.artifacts.listEntities({ entityType: 'action', namespace, package: name, skip: 0, limit })
    if (contents.length === 0) return
    for (const inner of contents) await remove({ namespace, package: name, name: inner.name }, on)
  }
}

/** Removes the action as it is by now. Written or removed by somebody else meanwhile, it is listed again or gone. */
async function remove(name: FullyQualifiedName, on: PackagesDeps): Promise<void> {
  const found = await on.artifacts.getEntity(name)
  if (found === undefined) return
  try {
    await on.artifacts.deleteEntity(name, found.revision)
  } catch (error) {
    if (!(error instanceof RevisionConflict)) throw error
  }
  on.changed({ type: 'entity', name })
}
