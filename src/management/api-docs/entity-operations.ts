/** The routes of actions, packages, triggers and rules. */

import type { Operation, PathItem, QueryParameter, ResponseDoc, Schema } from './source.ts'
import { errors, flag, list, ref, whole, withErrors } from './source.ts'

const skip: QueryParameter = {
  name: 'skip',
  description: 'Entries to leave out',
  schema: { ...whole(), minimum: 0 },
  fallback: 0,
}
const limit: QueryParameter = {
  name: 'limit',
  description: 'Entries at most; 0 is as many as there may be',
  schema: { ...whole(), minimum: 0, maximum: 200 },
  fallback: 30,
}
const count: QueryParameter = {
  name: 'count',
  description: 'Only their number, less `skip`',
  schema: flag(),
  fallback: false,
}
/** The query of each list. */
export const LIST_QUERY: readonly QueryParameter[] = [limit, skip, count]
const overwrite: QueryParameter = {
  name: 'overwrite',
  description: 'Change what is there; otherwise 409',
  schema: flag(),
  fallback: false,
}

/** An answer that is a list, or with `count` an object of one number. */
export function listOf(summary: string, counted: string): ResponseDoc {
  const entries = list(ref(summary))
  const description = `Newest first; with \`count\` ${counted}`
  return { description, schema: { description, oneOf: [entries, ref(counted)] } }
}

const found = (name: string): Readonly<Record<number, ResponseDoc>> => ({
  200: { description: 'The entity as it is stored', schema: ref(name) },
})

interface EntityRoutes {
  /** `Action`: ids of the operations and names of the definitions are made of it. */
  readonly noun: string
  readonly tag: string
  readonly path: string
  readonly parameter: string
  readonly read: string
  readonly written: string
}

function crud({ noun, tag, parameter, read, written }: EntityRoutes, query: readonly QueryParameter[] = []): PathItem {
  const what = `a ${noun.toLowerCase()}`
  const made: Record<'get' | 'put' | 'delete', Operation> = {
    get: {
      id: `get${noun}ByName`,
      tag,
      summary: `Read ${what}`,
      query,
      responses: { ...found(read), ...errors(409, 422) },
    },
    put: {
      id: `update${noun}`,
      tag,
      summary: `Create ${what}, or change the one named {${parameter}}`,
      query: [overwrite],
      body: { description: 'What it is to be', schema: ref(`${noun}Put`), required: true },
      responses: { ...found(written), ...errors(409, 422) },
    },
    delete: {
      id: `delete${noun}`,
      tag,
      summary: `Delete ${what}`,
      responses: { ...found(written), ...errors(409, 422) },
    },
  }
  return Object.fromEntries(Object.entries(made).map(([method, operation]) => [method, withErrors(operation)]))
}

const listing = (
  tag: string,
  id: string,
  summary: string,
  answer: ResponseDoc,
  more: readonly number[] = [],
): PathItem => ({
  get: withErrors({ id, tag, summary, query: LIST_QUERY, responses: { 200: answer, ...errors(...more) } }),
})

const code: QueryParameter = {
  name: 'code',
  description: 'Whether to include the code',
  schema: flag(),
  fallback: true,
}
const INVOKE_QUERY: readonly QueryParameter[] = [
  { name: 'blocking', description: 'Wait for the outcome', schema: flag(), fallback: false },
  { name: 'result', description: 'Of a blocking call: only what the action returned', schema: flag(), fallback: false },
  {
    name: 'timeout',
    description: 'Longest wait in ms; the default is the longest that there may be',
    schema: { ...whole(), minimum: 1 },
  },
]

const outcome = (description: string): ResponseDoc => ({
  description,
  schema: { description: 'An Activation, what the action returned, or an ErrorMessage' } satisfies Schema,
})

/** An action by its name; `inPackage` tells the ids of the two apart. */
function actionItem(inPackage: '' | 'InPackage'): PathItem {
  const routes = {
    noun: 'Action',
    tag: 'Actions',
    path: '',
    parameter: 'actionName',
    read: 'Action',
    written: 'Action',
  }
  const item = crud(routes, [code])
  const invoke: Operation = withErrors({
    id: 'invokeAction',
    tag: 'Actions',
    summary: 'Invoke an action',
    description:
      'Answered at once with the id of the activation, or with `blocking` by its outcome. The body is the argument.',
    query: INVOKE_QUERY,
    body: { description: 'Parameters of the call', schema: { type: 'object' }, required: false },
    responses: {
      200: outcome('It succeeded; with `result` what it returned'),
      202: { description: 'Accepted, or not finished in time: its id', schema: ref('ActivationId') },
      ...errors(409, 422),
      500: outcome('The platform failed'),
      502: outcome('The action failed; with `result` what it returned'),
    },
  })
  const all = { ...item, post: invoke }
  return Object.fromEntries(
    Object.entries(all).map(([method, operation]) => [method, { ...operation, id: `${operation.id}${inPackage}` }]),
  )
}

/** Paths below `/namespaces/{namespace}`. */
export const ENTITY_PATHS: Readonly<Record<string, PathItem>> = {
  '/actions': listing(
    'Actions',
    'getAllActions',
    'List actions, those in packages too',
    listOf('ActionSummary', 'ActionCount'),
  ),
  '/actions/{actionName}': actionItem(''),
  '/actions/{packageName}/': listing(
    'Actions',
    'getAllActionsInPackage',
    'List the actions of a package',
    listOf('ActionSummary', 'ActionCount'),
    [409, 422],
  ),
  '/actions/{packageName}/{actionName}': actionItem('InPackage'),
  '/packages': listing(
    'Packages',
    'getAllPackages',
    'List packages and bindings; of another namespace the packages that it shares',
    listOf('PackageSummary', 'PackageCount'),
  ),
  '/packages/{packageName}': packageItem(),
  '/triggers': listing('Triggers', 'getAllTriggers', 'List triggers', listOf('TriggerSummary', 'TriggerCount')),
  '/triggers/{triggerName}': triggerItem(),
  '/rules': listing('Rules', 'getAllRules', 'List rules', listOf('RuleSummary', 'RuleCount')),
  '/rules/{ruleName}': ruleItem(),
}

function packageItem(): PathItem {
  const routes = { noun: 'Package', tag: 'Packages', path: '', parameter: 'packageName' }
  const item = crud({ ...routes, read: 'PackageWithActions', written: 'Package' })
  const force: QueryParameter = {
    name: 'force',
    description: 'Delete what is in it as well; otherwise 409',
    schema: flag(),
    fallback: false,
  }
  return item.delete === undefined ? item : { ...item, delete: { ...item.delete, query: [force] } }
}

function triggerItem(): PathItem {
  const routes = { noun: 'Trigger', tag: 'Triggers', path: '', parameter: 'triggerName' }
  const fire = withErrors({
    id: 'fireTrigger',
    tag: 'Triggers',
    summary: 'Fire a trigger',
    body: { description: 'Parameters for the actions of its rules', schema: { type: 'object' }, required: false },
    responses: {
      202: { description: 'Accepted: the id of the activation of the trigger', schema: ref('ActivationId') },
      204: { description: 'No rule of it is active: nothing happens' },
      ...errors(409),
    },
  })
  return { ...crud({ ...routes, read: 'Trigger', written: 'Trigger' }), post: fire }
}

function ruleItem(): PathItem {
  const routes = { noun: 'Rule', tag: 'Rules', path: '', parameter: 'ruleName' }
  const setState = withErrors({
    id: 'setState',
    tag: 'Rules',
    summary: 'Enable or disable a rule',
    body: { description: 'What it is to be', schema: ref('RuleStatusPut'), required: true },
    produces: ['text/plain'],
    responses: {
      200: { description: 'Done: the text `OK`' },
      202: { description: 'It was so already' },
      ...errors(409, 422),
    },
  })
  return { ...crud({ ...routes, read: 'Rule', written: 'Rule' }), post: setState }
}
