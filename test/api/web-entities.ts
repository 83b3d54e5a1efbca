/** Packages and bindings for the tables of web actions. */

import type { EntityName, NamespaceName } from '../../src/model/names.ts'
import type { Package } from '../../src/model/package.ts'
import { FIRST_VERSION } from '../../src/model/version.ts'
import { namespaceOf } from '../conformance/artifact-fixtures.ts'

/** A package that is not shared, unless `fields` say so. */
export function packageEntity(namespace: string, name: string, fields: Partial<Package> = {}): Package {
  return {
    namespace: namespaceOf(namespace),
    name: name as EntityName,
    entityType: 'package',
    version: FIRST_VERSION,
    publish: false,
    parameters: [],
    annotations: [],
    updated: 1,
    ...fields,
  }
}

/** What makes a package a binding. */
export function bindingTo(namespace: string, name: string): Pick<Package, 'binding'> {
  return { binding: { namespace: namespace as NamespaceName, name: name as EntityName } }
}
