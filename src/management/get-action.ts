/** `GET /actions/A` and `/actions/PKG/A`: the action, with the parameters of the package and the binding that it is read through. */

import { booleanParameter } from '../api/query.ts'
import { sendJson } from '../api/respond.ts'
import { requireOwnAction } from '../entitlement/execute-only.ts'
import type { OpenedPackage } from '../entitlement/open-package.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { actionJson } from '../model/action.ts'
import { notFound } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import { mergeByKey } from '../model/parameters.ts'
import type { ActionsDeps } from './actions.ts'
import type { ApiCall } from './api-call.ts'
import { codeOf } from './action-code.ts'
import { findEntity } from './find-entity.ts'

/** Answers the action. What it inherits is shown in its parameters alone; its annotations are its own. */
export async function getAction(call: ApiCall, name: FullyQualifiedName, on: ActionsDeps): Promise<void> {
  const opened = await open(call, name, on) // -> 403, 404, 409, 422
  const withCode = booleanParameter(call.query, 'code', true) // -> 400
  if (on.sharedPackagesExecuteOnly) requireOwnAction(call.identity, name, opened) // -> 403
  const found = await findEntity(on.artifacts, 'action', opened === undefined ? name : inProvider(opened, name)) // -> 409
  if (found === undefined) throw notFound()
  const { document } = found
  const code = withCode ? await codeOf(document, on.artifacts) : undefined
  const parameters = mergeByKey(opened?.parameters ?? [], document.parameters)
  const binding = withCode ? undefined : opened?.binding
  sendJson(
    call,
    200,
    JSON.stringify({
      ...actionJson({ ...document, parameters }, code),
      ...(binding !== undefined && { binding: formatPath(binding.document) }),
    }),
  )
}

async function open(
  { identity }: ApiCall,
  name: FullyQualifiedName,
  on: ActionsDeps,
): Promise<OpenedPackage | undefined> {
  if (name.package !== undefined) {
    const use = { identity, right: 'READ', collection: 'actions', name: name.name } as const
    return openPackage(name.namespace, name.package, use, on)
  }
  await requireRight(on.entitlement, identity, 'READ', { collection: 'actions', ...name })
  return undefined
}

function inProvider({ provider: { document } }: OpenedPackage, { name }: FullyQualifiedName): FullyQualifiedName {
  return { namespace: document.namespace, package: document.name, name }
}
