/** A source as a document: Swagger 2.0, as OpenWhisk serves it, and OpenAPI 3.1. */

import { SHARED_RESPONSES } from './source.ts'
import type { ApiSource, Operation, PathItem, QueryParameter, ResponseDoc, Schema } from './source.ts'

type Json = Readonly<Record<string, unknown>>
const JSON_TYPE = 'application/json'

/** The Swagger 2.0 document. */
export function renderSwagger(source: ApiSource): Json {
  return {
    swagger: '2.0',
    info: infoOf(source),
    basePath: source.basePath,
    schemes: ['http', 'https'],
    consumes: [JSON_TYPE],
    produces: [JSON_TYPE],
    tags: tagsOf(source),
    securityDefinitions: {
      basicAuth: { type: 'basic', description: 'User and password are uuid and key of a namespace' },
    },
    paths: pathsOf(source, swaggerOperation, swaggerPathParameter),
    responses: mapValues(SHARED_RESPONSES, swaggerResponse),
    definitions: mapValues(source.definitions, swaggerSchema),
  }
}

/** The OpenAPI 3.1 document. */
export function renderOpenApi(source: ApiSource): Json {
  return {
    openapi: '3.1.0',
    info: { ...infoOf(source), license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: source.basePath }],
    tags: tagsOf(source),
    paths: pathsOf(source, openApiOperation, openApiPathParameter),
    components: {
      securitySchemes: {
        basicAuth: { type: 'http', scheme: 'basic', description: 'User and password are uuid and key of a namespace' },
      },
      responses: mapValues(SHARED_RESPONSES, (response) => openApiResponse(response)),
      schemas: mapValues(source.definitions, openApiSchema),
    },
  }
}

function infoOf({ title, description, version }: ApiSource): Json {
  return { title, description, version }
}

function tagsOf({ tags }: ApiSource): readonly Json[] {
  return Object.entries(tags).map(([name, description]) => ({ name, description }))
}

function pathsOf(
  source: ApiSource,
  operationOf: (operation: Operation) => Json,
  parameterOf: (name: string, description: string) => Json,
): Json {
  return mapValues(source.paths, (item: PathItem, path) => {
    const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) =>
      parameterOf(name, source.pathParameters[name] ?? ''),
    )
    return {
      ...(parameters.length > 0 && { parameters }),
      ...mapValues(item, (operation) => (operation === undefined ? {} : operationOf(operation))),
    }
  })
}

function commonOf({ id, tag, summary, description, anonymous }: Operation): Json {
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(anonymous !== true && { security: [{ basicAuth: [] }] }),
  }
}

function swaggerOperation(operation: Operation): Json {
  const { query = [], body, produces, responses } = operation
  const inBody = body === undefined ? [] : [{ in: 'body', name: 'body', ...body, schema: swaggerSchema(body.schema) }]
  const parameters = [...query.map(swaggerQuery), ...inBody]
  return {
    ...commonOf(operation),
    ...(produces !== undefined && { produces: [...new Set([...produces, JSON_TYPE])] }),
    ...(parameters.length > 0 && { parameters }),
    responses: mapValues(responses, (response) =>
      response.shared === undefined ? swaggerResponse(response) : { $ref: `#/responses/${response.shared}` },
    ),
  }
}

function swaggerResponse({ description, schema }: ResponseDoc): Json {
  return { description, ...(schema !== undefined && { schema: swaggerSchema(schema) }) }
}

function swaggerPathParameter(name: string, description: string): Json {
  return { in: 'path', name, description, required: true, type: 'string' }
}

function swaggerQuery({ name, description, schema, fallback }: QueryParameter): Json {
  const fallbackOf = fallback === undefined ? {} : { default: fallback }
  return { in: 'query', name, description, required: false, ...swaggerSchema(schema), ...fallbackOf }
}

function swaggerSchema(schema: Schema): Json {
  // Swagger 2.0 has no choice of schemas.
  const { oneOf: _, ...rest } = schema
  return convert(rest, '#/definitions/', swaggerSchema)
}

function openApiOperation(operation: Operation): Json {
  const { query = [], body, produces, responses } = operation
  return {
    ...commonOf(operation),
    ...(query.length > 0 && { parameters: query.map(openApiQuery) }),
    ...(body !== undefined && {
      requestBody: {
        description: body.description,
        required: body.required,
        content: { [JSON_TYPE]: { schema: openApiSchema(body.schema) } },
      },
    }),
    responses: mapValues(responses, (response) =>
      response.shared === undefined
        ? openApiResponse(response, produces)
        : { $ref: `#/components/responses/${response.shared}` },
    ),
  }
}

function openApiResponse({ description, schema }: ResponseDoc, produces: readonly string[] = []): Json {
  if (schema !== undefined) return { description, content: { [JSON_TYPE]: { schema: openApiSchema(schema) } } }
  const content = Object.fromEntries(produces.map((type) => [type, {}]))
  return { description, ...(produces.length > 0 && { content }) }
}

function openApiPathParameter(name: string, description: string): Json {
  return { in: 'path', name, description, required: true, schema: { type: 'string' } }
}

function openApiQuery({ name, description, schema, fallback }: QueryParameter): Json {
  const fallbackOf = fallback === undefined ? {} : { default: fallback }
  return { in: 'query', name, description, schema: { ...openApiSchema(schema), ...fallbackOf } }
}

/** A schema as OpenAPI 3.1 has it: JSON Schema, with references into `#/components/schemas/`. */
export function openApiSchema(schema: Schema): Json {
  return convert(schema, '#/components/schemas/', openApiSchema)
}

function convert(schema: Schema, prefix: string, inner: (schema: Schema) => Json): Json {
  const { ref, properties, additionalProperties, items, oneOf, ...plain } = schema
  return {
    ...plain,
    ...(ref !== undefined && { $ref: `${prefix}${ref}` }),
    ...(properties !== undefined && { properties: mapValues(properties, inner) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: additionalProperties === false ? false : inner(additionalProperties),
    }),
    ...(items !== undefined && { items: inner(items) }),
    ...(oneOf !== undefined && { oneOf: oneOf.map(inner) }),
  }
}

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Readonly<Record<string, Result>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]))
}
