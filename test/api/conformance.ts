/** Holds answers of a server to its own API document: status, media type and body of each. */

import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { INFO_API } from '../../src/management/api-docs/info-api.ts'
import { openApiSchema, renderOpenApi } from '../../src/management/api-docs/render.ts'
import { REST_API } from '../../src/management/api-docs/rest-api.ts'
import type { ApiSource, Method, Operation, Schema } from '../../src/management/api-docs/source.ts'

/** The parts of an answer that the document speaks of. */
export interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  readonly requestId: string | undefined
  readonly text: string
}

interface Route {
  readonly pattern: RegExp
  readonly path: string
  readonly operation: Operation
  readonly method: string
  readonly validate: (status: number) => ValidateFunction | undefined
}

/** Refused by the HTTP layer, before there is a transaction: plain text, whatever the path. */
const TRANSPORT = new Set([400, 408, 413, 414, 417, 431])

const routes: readonly Route[] = [INFO_API, REST_API].flatMap((source) => routesOf(source))

function routesOf(source: ApiSource): readonly Route[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const { components } = renderOpenApi(source)
  const compiled = new Map<Schema, ValidateFunction>()
  return Object.entries(source.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
      pattern: patternOf(source.basePath, path),
      validate(status: number): ValidateFunction | undefined {
        const schema = operation.responses[status]?.schema
        if (schema === undefined) return undefined
        const found = compiled.get(schema) ?? ajv.compile({ ...openApiSchema(schema), components })
        compiled.set(schema, found)
        return found
      },
    })),
  )
}

/** Literal but for the parts in braces; a collection may end in a slash. */
function patternOf(basePath: string, path: string): RegExp {
  const whole = basePath === '/' ? path : basePath + path
  const source = whole
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? '[^/]+?' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)))
    .join('')
  const isCollection = path.startsWith('/namespaces') && path.endsWith('s')
  return new RegExp(`^${source}${isCollection ? '/?' : ''}$`)
}

/** The operation that a request is for; undefined where the document knows none. */
export function operationFor(
  method: string,
  target: string,
): { readonly path: string; readonly operation: Operation } | undefined {
  return routeFor(method, target)
}

function routeFor(method: string, target: string): Route | undefined {
  const path = target.split('?', 1)[0] ?? ''
  // Web actions answer with what they like, and their paths may go on.
  if (path.startsWith('/api/v1/web/')) return undefined
  return routes.find((route) => route.method === method && route.pattern.test(path))
}

/** Fails unless the answer is one that the document tells of. Requests that it does not know are not looked at. */
export function assertConforms(method: string, target: string, answer: Answer): void {
  const route = routeFor(method, target)
  if (route === undefined) return
  const { status, contentType = '', requestId, text } = answer
  const what = `${method} ${route.path} -> ${status} ${contentType} ${text.slice(0, 500)}`
  if (requestId === undefined && TRANSPORT.has(status) && contentType.startsWith('text/plain')) return
  assert.ok(requestId !== undefined && requestId !== '', `no X-Request-ID: ${what}`)
  assert.ok(route.operation.responses[status] !== undefined, `not in src/management/api-docs: ${what}`)
  const validate = route.validate(status)
  if (validate === undefined) return
  assert.match(contentType, /^application\/json(?:; charset=UTF-8)?$/, what)
  const body: unknown = JSON.parse(text)
  assert.ok(validate(body), `${what}\n${JSON.stringify(validate.errors)}`)
}

/** Requests of the document: for tests that go through all of them. */
export function documentedOperations(): readonly {
  readonly method: Method
  readonly path: string
  readonly operation: Operation
}[] {
  return [INFO_API, REST_API].flatMap(({ paths, basePath }) =>
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        method: method as Method,
        path: basePath === '/' ? path : basePath + path,
        operation,
      })),
    ),
  )
}
