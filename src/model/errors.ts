/**
 * What can go wrong, by blame. A `Refusal` is the caller's doing: it has a status and a message that the caller sees, no stack and no error log.
 * A `Fault` is ours: it is logged with its stack and the caller sees the default text of status 500 or 503.
 * The messages are OpenWhisk's, byte for byte: clients and tests match on them.
 */

/** OpenWhisk's message per status, used where a refusal gives none of its own. */
export const DEFAULT_MESSAGES: Readonly<Record<number, string>> = {
  400: 'The request contains bad syntax or cannot be fulfilled.',
  401: 'Authentication is possible but has failed or not yet been provided.',
  403: 'The supplied authentication is not authorized to access this resource.',
  404: 'The requested resource does not exist.',
  409: 'The request could not be processed because of conflict in the request, such as an edit conflict.',
  413: 'The request content is larger than the server is willing or able to process.',
  500: 'There was an internal server error.',
  503: 'The server is currently unavailable (because it is overloaded or down for maintenance).',
}

/** Machine-readable codes: metrics, logs and the error reference know refusals by these. */
export type RefusalCode =
  | 'BAD_REQUEST'
  | 'MALFORMED_CONTENT'
  | 'MALFORMED_QUERY'
  | 'UNAUTHENTICATED'
  | 'INVALID_CREDENTIALS'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'NO_ROUTE'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'CONFLICT'
  | 'TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'INVALID_RESPONSE'
  | 'NOT_READY'
  | 'RATE_LIMITED'
  | 'CONCURRENCY_LIMITED'
  | 'QUEUE_FULL'
  | 'NO_CAPACITY'
  | 'STORE_UNAVAILABLE'
  | 'SHUTTING_DOWN'
  | 'CLIENT_GONE'

export interface RefusalOptions {
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** More response headers, for example `Allow` or `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>
  /** What was not found, where it makes a difference to whoever asked. */
  readonly missing?: 'package'
  /** Rejected by the routing layer, before any handler: such answers carry no CORS headers. */
  readonly atRouting?: boolean
}

/** The caller asked for something that is not to be had. Carries no stack: refusals are data that travel by `throw`. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly status: number
  readonly options: RefusalOptions

  constructor(code: RefusalCode, status: number, message: string, options: RefusalOptions = {}) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message.trim() === '' ? (DEFAULT_MESSAGES[status] ?? `HTTP status ${status}`) : message.trim())
    Error.stackTraceLimit = limit
    this.code = code
    this.status = status
    this.options = options
  }
}

export interface FaultOptions {
  readonly cause?: unknown
  readonly status?: 500 | 503
  readonly told?: string
}

/** Something of ours broke. `message` is for the log, never for the caller. */
export class Fault extends Error {
  override readonly name: string = 'Fault'
  /** Status of the answer: 503 where trying again can help, else 500. */
  readonly status: 500 | 503
  /** What the caller is told; undefined: the default text of the status. */
  readonly told: string | undefined

  constructor(message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = options.status ?? 500
    this.told = options.told
  }
}

/** Makes a refusal; reads better than `new` where it is thrown. */
export function refusal(code: RefusalCode, status: number, message = '', options: RefusalOptions = {}): Refusal {
  return new Refusal(code, status, message, options)
}

/** A body that is not JSON or not of the required shape: 400 with OpenWhisk's prefix. */
export function malformedContent(detail: string): Refusal {
  return refusal('MALFORMED_CONTENT', 400, `The request content was malformed:\n${detail}`, { atRouting: true })
}

/** A query parameter that cannot be read: 400 with OpenWhisk's prefix. */
export function malformedQuery(name: string, detail: string): Refusal {
  return refusal('MALFORMED_QUERY', 400, `The query parameter '${name}' was malformed:\n${detail}`, { atRouting: true })
}

/** A failed argument check: 400, `requirement failed: ` in front, no other prefix (OpenWhisk's limit checks). */
export function requirementFailed(detail: string): Refusal {
  return refusal('BAD_REQUEST', 400, `requirement failed: ${detail}`)
}

/** 403 that names the resource, as OpenWhisk words it. `resource` is `NS`, `NS/name` or `NS/package`. */
export function notAuthorized(resource: string): Refusal {
  return refusal('FORBIDDEN', 403, `The supplied authentication is not authorized to access '${resource}'.`)
}

/** 404 for a missing entity. */
export function notFound(): Refusal {
  return refusal('NOT_FOUND', 404)
}

/** 409 when an entity of another type has the name. */
export function wrongCollection(): Refusal {
  return refusal('CONFLICT', 409, 'Resource by this name exists but is not in this collection.')
}

/** 409 when somebody else wrote the entity between our read and our write. */
export function concurrentModification(): Refusal {
  return refusal('CONFLICT', 409, 'Concurrent modification to resource detected.')
}

/** 413 for one part of an entity. `part` is `exec`, `parameters` or `annotations`; sizes in bytes. */
export function partTooLarge(part: 'exec' | 'parameters' | 'annotations', bytes: number, allowed: number): Refusal {
  return refusal('TOO_LARGE', 413, `${part} larger than allowed: ${bytes} > ${allowed} bytes.`)
}

/** 413 for an invocation's payload; sizes in bytes. */
export function payloadTooLarge(bytes: number, allowed: number): Refusal {
  return refusal('TOO_LARGE', 413, `Request larger than allowed: ${bytes} > ${allowed} bytes.`)
}
