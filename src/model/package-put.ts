/** The body of `PUT /packages/P`, and the package or binding that it makes: new, or out of the one that is stored. */

import { malformedContent } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from './names.ts'
import { CALLERS_NAMESPACE, isLegalName } from './names.ts'
import type { BindingTarget, Package } from './package.ts'
import { BINDING } from './package.ts'
import type { Annotation } from './parameters.ts'
import type { CommonFields, SizedFields, SizeRules } from './put-fields.ts'
import { optional, parseCommonFields, parseSizedFields } from './put-fields.ts'
import { FIRST_VERSION, nextPatch } from './version.ts'

/** What a body sets; everything is optional. */
export interface PackagePut extends SizedFields, CommonFields {
  readonly binding?: BindingTarget
}

/** A body of which only so much is decoded as comes before the checks of its name. */
export interface PackageBody {
  readonly body: JsonObject
  readonly sized: SizedFields
}

/** The first half of decoding: parameters and annotations (400), then their sizes (413). */
export function parsePackageBody(body: JsonValue, rules: SizeRules): PackageBody {
  if (!isJsonObject(body)) throw malformedContent("Object expected in field 'exec'")
  return { body, sized: parseSizedFields(body, rules) }
}

/** The second half: all the rest (400). `owner` is the namespace that the package is put into: `_` stands for it. */
export function parsePackagePut({ body, sized }: PackageBody, owner: NamespaceName): PackagePut {
  const binding = optional(body['binding'], (value) => parseBinding(value, owner))
  return { ...sized, ...parseCommonFields(body), ...(binding !== undefined && { binding }) }
}

/** `{}` is how a package says, in its own JSON form, that it is no binding. */
function parseBinding(value: JsonValue, owner: NamespaceName): BindingTarget | undefined {
  if (!isJsonObject(value)) throw malformedContent("Object expected in field 'namespace'")
  if (Object.keys(value).length === 0) return undefined
  const namespace = parseName(value, 'namespace')
  const name = parseName(value, 'name')
  // Legal names, the one and the other: a namespace has the grammar of an entity.
  return { namespace: namespace === CALLERS_NAMESPACE ? owner : (namespace as NamespaceName), name: name as EntityName }
}

function parseName(binding: JsonObject, field: 'namespace' | 'name'): string {
  const text = binding[field]
  if (text === undefined) throw malformedContent(`Object is missing required member '${field}'`)
  if (typeof text !== 'string') throw malformedContent('entity name malformed')
  if (!isLegalName(text)) throw malformedContent(`name [${text}] is not allowed`)
  return text
}

/** The package or binding that a body creates. */
export function createPackage(
  { namespace, name }: FullyQualifiedName,
  { binding, parameters = [], annotations = [], version = FIRST_VERSION, publish = false }: PackagePut,
  nowMs: number,
): Package {
  return {
    namespace,
    name,
    entityType: 'package',
    version,
    publish,
    parameters,
    annotations: withoutBinding(annotations),
    ...(binding !== undefined && { binding }),
    updated: nowMs,
  }
}

/** `stored` as a body changes it: parameters and annotations are replaced as a whole, all that is absent stays. */
export function updatePackage(stored: Package, put: PackagePut, nowMs: number): Package {
  return {
    ...stored,
    version: put.version ?? nextPatch(stored.version),
    publish: put.publish ?? stored.publish,
    parameters: put.parameters ?? stored.parameters,
    annotations: put.annotations === undefined ? stored.annotations : withoutBinding(put.annotations),
    ...(put.binding !== undefined && { binding: put.binding }),
    updated: nowMs,
  }
}

function withoutBinding(annotations: readonly Annotation[]): readonly Annotation[] {
  return annotations.filter(({ key }) => key !== BINDING)
}
