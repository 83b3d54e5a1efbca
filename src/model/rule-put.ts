/** The bodies of `PUT /rules/R` and `POST /rules/R`, and the rule that the former makes: new, or out of the one that is stored. */

import { malformedContent, refusal } from './errors.ts'
import type { JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { FullyQualifiedName, NamespaceName } from './names.ts'
import { CALLERS_NAMESPACE, parseFullyQualifiedName } from './names.ts'
import type { Annotation } from './parameters.ts'
import type { CommonFields, SizeRules } from './put-fields.ts'
import { optional, parseCommonFields, parseSizedFields } from './put-fields.ts'
import type { Rule } from './rule.ts'
import type { RuleStatus } from './trigger.ts'
import { FIRST_VERSION, nextPatch } from './version.ts'

/** What a body sets; everything is optional. */
export interface RulePut extends CommonFields {
  readonly trigger?: FullyQualifiedName
  readonly action?: FullyQualifiedName
  readonly annotations?: readonly Annotation[]
}

/**
 * Parses a body; `_` in references stands for `namespace`, the rule's own. In OpenWhisk's order: annotations, and parameters although rules have none, are
 * decoded (400), their sizes checked (413), only then the rest is decoded (400).
 */
export function parseRulePut(body: JsonValue, rules: SizeRules, namespace: NamespaceName): RulePut {
  if (!isJsonObject(body)) throw malformedContent("Object expected in field 'trigger'")
  const { annotations } = parseSizedFields(body, rules)
  const trigger = optional(body['trigger'], (value) => parseReference(value, namespace))
  const action = optional(body['action'], (value) => parseReference(value, namespace))
  return {
    ...parseCommonFields(body),
    ...(trigger !== undefined && { trigger }),
    ...(action !== undefined && { action }),
    ...(annotations !== undefined && { annotations }),
  }
}

/** A reference to an entity: its fully qualified name as text, or `{path, name}`, the form in which rules are answered. */
function parseReference(value: JsonValue, namespace: NamespaceName): FullyQualifiedName {
  if (typeof value === 'string') return parseFullyQualifiedName(value, namespace)
  if (!isJsonObject(value)) throw malformedContent('fully qualified name malformed')
  const { path = CALLERS_NAMESPACE, name } = value
  if (typeof path !== 'string' || typeof name !== 'string') throw malformedContent('fully qualified name malformed')
  return parseFullyQualifiedName(`${path}/${name}`, namespace)
}

/** The rule that a body creates. Throws 400 when it does not name both a trigger and an action. */
export function createRule({ namespace, name }: FullyQualifiedName, put: RulePut, nowMs: number): Rule {
  const { trigger, action, version = FIRST_VERSION, publish = false, annotations = [] } = put
  if (trigger === undefined || action === undefined) {
    throw refusal('BAD_REQUEST', 400, 'rule requires a valid trigger and a valid action')
  }
  return { namespace, name, entityType: 'rule', version, publish, trigger, action, annotations, updated: nowMs }
}

/** `stored` as a body changes it: annotations are replaced as a whole, all that is absent stays. */
export function updateRule(stored: Rule, put: RulePut, nowMs: number): Rule {
  return {
    ...stored,
    version: put.version ?? nextPatch(stored.version),
    publish: put.publish ?? stored.publish,
    trigger: put.trigger ?? stored.trigger,
    action: put.action ?? stored.action,
    annotations: put.annotations ?? stored.annotations,
    updated: nowMs,
  }
}

/** Parses the body of `POST /rules/R`; throws 400. */
export function parseRuleStatus(body: JsonValue): RuleStatus {
  if (!isJsonObject(body)) throw malformedContent("Object expected in field 'status'")
  const { status: given } = body
  if (given === undefined) throw malformedContent('key not found: status')
  if (typeof given !== 'string') throw malformedContent(`Expected String as JsString, but got ${JSON.stringify(given)}`)
  const status = given.trim()
  if (status === '') throw malformedContent('requirement failed: argument undefined')
  if (status === 'active' || status === 'inactive') return status
  throw malformedContent(`requirement failed: ${status} is not a recognized rule state`)
}
