/** The one source of both API documents, Swagger 2.0 and OpenAPI 3.1: a small language for what the two have in common. */

/** A JSON schema. `ref` names a definition; `oneOf` is lost in Swagger 2.0, which has no such thing, so its description has to say it. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: false | Schema
  readonly items?: Schema
  readonly enum?: readonly (string | number | boolean)[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly ref?: string
  readonly oneOf?: readonly Schema[]
}

/** A parameter of the query. */
export interface QueryParameter {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  readonly fallback?: string | number | boolean
}

export interface ResponseDoc {
  readonly description: string
  /** Absent: the body is no JSON, or there is none. */
  readonly schema?: Schema
  /** One of `SHARED_RESPONSES`, which documents refer to instead of repeating it. */
  readonly shared?: string
}

export interface Operation {
  /** Unique; generators of clients make methods of these. */
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly query?: readonly QueryParameter[]
  readonly body?: { readonly description: string; readonly schema: Schema; readonly required: boolean }
  /** By status. Those that every route of its kind has are added (`withErrors`). */
  readonly responses: Readonly<Record<number, ResponseDoc>>
  /** True: no credentials are needed. */
  readonly anonymous?: boolean
  /** Media types of the body where they are not JSON. */
  readonly produces?: readonly string[]
}

export const METHODS = ['get', 'put', 'post', 'delete', 'head', 'options', 'patch'] as const
export type Method = (typeof METHODS)[number]
export type PathItem = Readonly<Partial<Record<Method, Operation>>>

export interface ApiSource {
  readonly title: string
  readonly description: string
  readonly version: string
  /** In front of all paths; `/` for none. */
  readonly basePath: string
  readonly tags: Readonly<Record<string, string>>
  readonly paths: Readonly<Record<string, PathItem>>
  /** What the parts of paths in braces mean. */
  readonly pathParameters: Readonly<Record<string, string>>
  readonly definitions: Readonly<Record<string, Schema>>
}

export const text = (description?: string): Schema => ({ type: 'string', ...described(description) })
export const whole = (description?: string): Schema => ({ type: 'integer', ...described(description) })
export const flag = (description?: string): Schema => ({ type: 'boolean', ...described(description) })
/** Any JSON value. */
export const anything = (description: string): Schema => ({ description })
export const ref = (name: string): Schema => ({ ref: name })
export const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items,
  ...described(description),
})

/** An object; names of properties that it always has are in `required`. It may have others, unless `closed`. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
  more: { readonly description?: string; readonly closed?: boolean } = {},
): Schema {
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    ...(more.closed === true && { additionalProperties: false }),
    ...described(more.description),
  }
}

function described(description: string | undefined): { readonly description?: string } {
  return description === undefined ? {} : { description }
}

const ERRORS: Readonly<Record<number, string>> = {
  400: 'The request, its path, its query or its body cannot be understood',
  401: 'Credentials are missing, or nobody’s',
  403: 'The credentials do not allow this',
  404: 'There is no such thing',
  405: 'The path does not have this method',
  406: 'The caller accepts no JSON',
  408: 'The body did not arrive in time',
  409: 'In conflict with what is there',
  413: 'Larger than allowed',
  414: 'The path and query are too long',
  415: 'The body is not of the type that is needed',
  422: 'Bindings lead back to themselves',
  429: 'Too many requests, or too many at once; Retry-After says when to come again',
  500: 'Something of the platform failed',
  502: 'The action failed',
  503: 'Cannot be taken now; Retry-After says when to come again',
}

/** Errors by the name under which documents have them. */
export const SHARED_RESPONSES: Readonly<Record<string, ResponseDoc>> = Object.fromEntries(
  Object.entries(ERRORS).map(([status, description]) => [
    `Error${status}`,
    { description, schema: { ref: 'ErrorMessage' } },
  ]),
)

/** Responses of these statuses, each with the error envelope. */
export function errors(...statuses: readonly number[]): Readonly<Record<number, ResponseDoc>> {
  return Object.fromEntries(
    statuses.map((status) => {
      const shared = `Error${status}`
      const response = SHARED_RESPONSES[shared]
      if (response === undefined) throw new Error(`no description of status ${status}`)
      return [status, { ...response, shared }]
    }),
  )
}

/** The operation with the errors that all of its kind may end in; its own descriptions win. */
export function withErrors(operation: Operation): Operation {
  const always = operation.anonymous === true ? [400, 406, 414] : [400, 401, 403, 404, 406, 414, 429, 500, 503]
  const withBody = operation.body === undefined ? [] : [408, 413, 415]
  return { ...operation, responses: { ...errors(...always, ...withBody), ...operation.responses } }
}
