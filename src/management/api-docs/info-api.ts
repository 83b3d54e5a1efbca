/** The information API, outside of `/api/v1`, as a source: what `/api-docs` is made of. */

import { DEFINITIONS } from './definitions.ts'
import type { ApiSource, Operation, PathItem, Schema } from './source.ts'
import { errors, flag, list, object, ref, text, whole, withErrors } from './source.ts'

const kind = object(
  {
    kind: text('Runtime and version'),
    image: text(),
    deprecated: flag(),
    default: flag('The one that `FAMILY:default` stands for'),
    attached: flag(),
    requireMain: flag(),
  },
  ['kind', 'image', 'deprecated', 'default', 'attached', 'requireMain'],
)

const limitNames = [
  'actions_per_minute',
  'triggers_per_minute',
  'concurrent_actions',
  'sequence_length',
  ...['default_', ''].flatMap((prefix) =>
    ['duration', 'memory', 'logs'].flatMap((limit) => [`${prefix}min_action_${limit}`, `${prefix}max_action_${limit}`]),
  ),
]

const Info: Schema = object(
  {
    description: text(),
    support: object({ github: text(), slack: text() }),
    api_paths: list(text()),
    limits: object(Object.fromEntries(limitNames.map((name) => [name, whole()])), limitNames, {
      description: 'Durations in ms, sizes in bytes',
    }),
    runtimes: { type: 'object', description: 'Kinds by family', additionalProperties: list(ref('Kind')) },
  },
  ['description', 'support', 'api_paths', 'limits', 'runtimes'],
)

const ApiInfo: Schema = object(
  {
    description: text(),
    api_version: text(),
    api_version_path: text(),
    build: text(),
    buildno: text(),
    swagger_paths: object({ ui: text(), 'api-docs': text() }, ['ui', 'api-docs']),
  },
  ['description', 'api_version', 'api_version_path', 'build', 'buildno', 'swagger_paths'],
)

function read(id: string, summary: string, schema: Schema | undefined, more: Partial<Operation> = {}): PathItem {
  const answer = { description: summary, ...(schema !== undefined && { schema }) }
  return { get: withErrors({ id, tag: 'Information', summary, anonymous: true, responses: { 200: answer }, ...more }) }
}

/** A document that can be asked for under a condition. */
function documentItem(id: string, summary: string): PathItem {
  return read(id, summary, undefined, {
    responses: {
      200: { description: summary, schema: { type: 'object' } },
      304: { description: 'Unchanged, by `If-None-Match` or `If-Modified-Since`' },
    },
  })
}

const ready = object({ healthy: text('N/M'), unhealthy: text('N/M') })

export const INFO_API: ApiSource = {
  title: 'OpenWhisk Information API',
  description: 'What anybody may ask without credentials.',
  version: '1.0.0',
  basePath: '/',
  tags: { Information: 'Is it alive, what can it run, within which limits' },
  paths: {
    '/': read('getInfo', 'What the platform can run, and its limits', ref('Info')),
    '/ping': read('ping', 'Answers `pong`', undefined, { produces: ['text/plain'] }),
    '/api/v1': read('getApiInfo', 'Version of the REST API', ref('ApiInfo')),
    '/api-docs': documentItem('getInfoDocs', 'This document'),
    '/api/v1/api-docs': documentItem('getRestDocs', 'Document of the REST API, Swagger 2.0'),
    '/api/v1/openapi.json': documentItem('getRestOpenApi', 'Document of the REST API, OpenAPI 3.1'),
    '/invokers': read('getInvokers', 'State of each node', { type: 'object' }),
    '/invokers/healthy/count': read('countHealthyInvokers', 'How many nodes are well', whole()),
    '/invokers/ready': read('getReadiness', 'Whether work can be done', ready, {
      responses: {
        200: { description: 'Yes', schema: ready },
        500: { description: 'No', schema: ready },
      },
    }),
    '/activation': read('getRunningActivations', 'Ids of the activations under way', list(text())),
    '/disable': {
      post: withErrors({
        id: 'disable',
        tag: 'Information',
        summary: 'Takes the server out of service until its next start; for its operator',
        anonymous: true,
        produces: ['text/plain'],
        responses: { 200: { description: 'Nothing new is accepted any more' }, ...errors(401) },
      }),
    },
    '/activation/count': read('countRunningActivations', 'How many activations are under way', whole()),
  },
  pathParameters: {},
  definitions: { Info, ApiInfo, Kind: kind, ErrorMessage: DEFINITIONS['ErrorMessage'] ?? object({}) },
}
