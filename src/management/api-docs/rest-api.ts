/** The REST API as one source: what `/api/v1/api-docs` and docs/openapi/ are made of. */

import { DEFINITIONS } from './definitions.ts'
import { ENTITY_PATHS, LIST_QUERY, listOf } from './entity-operations.ts'
import type { ApiSource, Method, Operation, PathItem, QueryParameter, ResponseDoc } from './source.ts'
import { errors, flag, list, ref, text, whole, withErrors } from './source.ts'

const epoch = (name: string, description: string): QueryParameter => ({ name, description, schema: whole() })
const ACTIVATION_QUERY: readonly QueryParameter[] = [
  { name: 'name', description: 'Only of this action or trigger: `A`, or `PKG/A`', schema: text() },
  ...LIST_QUERY,
  epoch('since', 'Only those that started then or later, in ms since the epoch'),
  epoch('upto', 'Only those that started then or earlier, in ms since the epoch'),
  { name: 'docs', description: 'Whole records instead of summaries', schema: flag(), fallback: false },
]

const get = (id: string, tag: string, summary: string, answer: ResponseDoc): PathItem => ({
  get: withErrors({ id, tag, summary, responses: { 200: answer } }),
})

const ACTIVATION_PATHS: Readonly<Record<string, PathItem>> = {
  '/activations': {
    get: withErrors({
      id: 'getActivations',
      tag: 'Activations',
      summary: 'List activations',
      query: ACTIVATION_QUERY,
      responses: {
        200: {
          ...listOf('ActivationSummary', 'ActivationCount'),
          schema: {
            description: 'Newest first; with `docs` whole records; with `count` ActivationCount',
            oneOf: [list(ref('ActivationSummary')), ref('ActivationCount')],
          },
        },
      },
    }),
  },
  '/activations/{activationId}': get('getActivationById', 'Activations', 'Read an activation', {
    description: 'The record',
    schema: ref('Activation'),
  }),
  '/activations/{activationId}/logs': get('getActivationLogs', 'Activations', 'Read the logs of an activation', {
    description: 'The logs',
    schema: ref('ActivationLogs'),
  }),
  '/activations/{activationId}/result': get('getActivationResult', 'Activations', 'Read the result of an activation', {
    description: 'The response of the record',
    schema: ref('ActivationResponse'),
  }),
}

const NAMESPACE_PATHS: Readonly<Record<string, PathItem>> = {
  '/namespaces': get('getAllNamespaces', 'Namespaces', 'Name the namespace of the credentials', {
    description: 'One name',
    schema: list(text()),
  }),
  '/namespaces/{namespace}/limits': get('getLimits', 'Namespaces', 'Read the limits of the namespace', {
    description: 'What holds for it',
    schema: ref('Limits'),
  }),
}

const WEB_METHODS: readonly Method[] = ['get', 'put', 'post', 'delete', 'head', 'options', 'patch']

/** Web actions answer whatever they return: only what the platform itself answers can be told. */
function webItem(ending: '' | 'WithExtension'): PathItem {
  const operation = (method: Method): Operation => ({
    id: `${method}WebAction${ending}`,
    tag: 'Web actions',
    summary: 'Call a web action',
    description:
      'Method, headers, query, body and the rest of the path go to the action, whose result makes the answer. An extension says what it is turned into: json, html, http, svg or text.',
    anonymous: true,
    produces: ['application/json', 'text/html', 'text/plain', 'image/svg+xml', '*/*'],
    responses: {
      200: { description: 'What the action made of it; it may set any other status' },
      202: { description: 'Not finished in time', schema: ref('ErrorMessage') },
      204: { description: 'It returned nothing' },
      302: { description: 'It sent the caller elsewhere' },
      ...errors(400, 401, 403, 404, 405, 406, 408, 413, 414, 415, 422, 429, 500, 502, 503),
    },
  })
  return Object.fromEntries(WEB_METHODS.map((method) => [method, operation(method)]))
}

const inNamespace = (paths: Readonly<Record<string, PathItem>>): Readonly<Record<string, PathItem>> =>
  Object.fromEntries(Object.entries(paths).map(([path, item]) => [`/namespaces/{namespace}${path}`, item]))

export const REST_API: ApiSource = {
  title: 'OpenWhisk REST API',
  description: 'API of Apache OpenWhisk, as Stave serves it.',
  version: '1.0.0',
  basePath: '/api/v1',
  tags: {
    Actions: 'Functions, and sequences of them',
    Activations: 'Records of what was run',
    Namespaces: 'What a key stands for',
    Packages: 'Actions with shared parameters, and bindings to them',
    Rules: 'Which trigger starts which action',
    Triggers: 'Events by name',
    'Web actions': 'Actions as HTTP endpoints',
  },
  paths: {
    ...NAMESPACE_PATHS,
    ...inNamespace(ENTITY_PATHS),
    ...inNamespace(ACTIVATION_PATHS),
    '/web/{namespace}/{packageName}/{actionName}': webItem(''),
    '/web/{namespace}/{packageName}/{actionName}.{extension}': webItem('WithExtension'),
  },
  pathParameters: {
    namespace: 'The namespace; `_` is that of the credentials, but not for web actions',
    packageName: 'Name of a package; of web actions `default` for none',
    actionName: 'Name of an action',
    triggerName: 'Name of a trigger',
    ruleName: 'Name of a rule',
    activationId: 'Id of an activation: 32 characters of 0-9 and a-f',
    extension: 'json, html, http, svg or text',
  },
  definitions: DEFINITIONS,
}
