/** `PUT /packages/P`: packages and bindings are created and changed. */

import { booleanParameter } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import type { OpenedPackage } from '../entitlement/open-package.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { Refusal, refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import type { BindingTarget } from '../model/package.ts'
import { DEFAULT_PACKAGE, packageJson } from '../model/package.ts'
import type { PackagePut } from '../model/package-put.ts'
import { createPackage, parsePackageBody, parsePackagePut, updatePackage } from '../model/package-put.ts'
import type { ApiCall } from './api-call.ts'
import { readEntityBody } from './entity-body.ts'
import { findEntity, refuseConflict } from './find-entity.ts'
import type { PackagesDeps } from './packages.ts'

/** Creates or updates the package. The order of the checks is OpenWhisk's: clients' tests see which of two faults is reported. */
export async function putPackage(call: ApiCall, name: FullyQualifiedName, on: PackagesDeps): Promise<void> {
  const { identity, query } = call
  await requireRight(on.entitlement, identity, 'PUT', { collection: 'packages', ...name }) // -> 403
  const sizes = { parametersBytes: identity.limits.parametersBytes, annotationsBytes: on.system.parametersBytes }
  const body = parsePackageBody(await readEntityBody(call, on.body), sizes) // -> 400, 408, 413, 415
  const overwrite = booleanParameter(query, 'overwrite', false) // -> 400
  if (name.name === DEFAULT_PACKAGE) throw badRequest(`Package name '${DEFAULT_PACKAGE}' is reserved.`)
  const put = parsePackagePut(body, name.namespace) // -> 400
  const bound = put.binding === undefined ? undefined : await openProvider(identity, put.binding, on) // -> 400, 403, 409, 422
  const stored = await findEntity(on.artifacts, 'package', name) // -> 409
  if (stored !== undefined && !overwrite) throw refusal('CONFLICT', 409, 'resource already exists')

  const now = on.clock.now()
  const document = on.cipher.seal(
    stored === undefined
      ? createPackage(name, boundTo(put, bound), now) // -> 400
      : updatePackage(stored.document, changeOf(put, stored.document.binding, bound), now), // -> 400, 409
  )
  await on.artifacts.putEntity(document, undefined, stored?.revision).catch(refuseConflict) // -> 409
  on.changed({ type: 'entity', name })
  sendJson(call, 200, JSON.stringify(packageJson(document)))
}

/** What a binding refers to; the caller must be able to read it. */
async function openProvider(identity: Identity, to: BindingTarget, on: PackagesDeps): Promise<OpenedPackage> {
  try {
    return await openPackage(to.namespace, to.name, { identity, right: 'READ', collection: 'packages' }, on)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'NOT_FOUND') throw badRequest('Binding references a package that does not exist.')
    if (error.status === 409) throw refusal('CONFLICT', 409, 'Cannot bind to a resource that is not a package.')
    throw error
  }
}

/** Throws 409 where a package was to become a binding, and what `boundTo` throws. */
function changeOf(put: PackagePut, before: BindingTarget | undefined, bound: OpenedPackage | undefined): PackagePut {
  if (bound !== undefined && before === undefined) {
    throw refusal('CONFLICT', 409, 'Resource is a package and cannot be converted into a binding.')
  }
  return boundTo(put, bound)
}

/** Throws 400 where a binding was to refer to another. */
function boundTo(put: PackagePut, bound: OpenedPackage | undefined): PackagePut {
  if (bound?.binding !== undefined) throw badRequest('Cannot bind to another package binding.')
  return put
}

function badRequest(text: string): Refusal {
  return refusal('BAD_REQUEST', 400, text)
}
