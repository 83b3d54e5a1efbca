/** What the routing layer refuses before, or instead of, a handler. The texts are pekko-http's, as OpenWhisk's clients see them. */

import type { Refusal } from '../model/errors.ts'
import { refusal } from '../model/errors.ts'

/** Sent with each 401 of the routing layer. */
export const AUTHENTICATION_CHALLENGE = 'Basic realm="OpenWhisk secure realm",charset=UTF-8'

/**
 * Refused by the HTTP layer itself: plain text, no transaction id, no CORS, and the connection is closed, because where the next request
 * begins is not known or not worth finding out.
 */
export class TransportRefusal extends Error {
  override readonly name = 'TransportRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = limit
    this.status = status
  }
}

/** 404 for a path, or a method on it, that leads nowhere. */
export function noRoute(): Refusal {
  return refusal('NO_ROUTE', 404, 'The requested resource could not be found.', { atRouting: true })
}

/** 405 with the methods that the path has. */
export function methodNotAllowed(supported: readonly string[]): Refusal {
  const methods = supported.join(', ')
  return refusal('METHOD_NOT_ALLOWED', 405, `HTTP method not allowed, supported methods: ${methods}`, {
    headers: { Allow: methods },
    atRouting: true,
  })
}

/** 401 where no credentials, or those of another scheme, came with the request. */
export function unauthenticated(): Refusal {
  return refusal(
    'UNAUTHENTICATED',
    401,
    'The resource requires authentication, which was not supplied with the request',
    {
      atRouting: true,
    },
  )
}

/** 401 for credentials that are malformed, unknown, or of a blocked subject. */
export function invalidCredentials(): Refusal {
  return refusal('INVALID_CREDENTIALS', 401, 'The supplied authentication is invalid', { atRouting: true })
}

/** 406 when the caller's `Accept` excludes all that can be produced. */
export function notAcceptable(produced: readonly string[]): Refusal {
  const types = produced.join('\n')
  return refusal('NOT_ACCEPTABLE', 406, `Resource representation is only available with these types:\n${types}`, {
    atRouting: true,
  })
}

/** 415 for a body that is not of the type that is expected. */
export function unsupportedMediaType(given: string, expected: string): Refusal {
  return refusal(
    'UNSUPPORTED_MEDIA_TYPE',
    415,
    `The request's Content-Type [${given}] is not supported. Expected:\n${expected}`,
    { atRouting: true },
  )
}

/** The caller went away before its request was complete; nobody reads the answer. */
export function clientGone(): Refusal {
  return refusal('CLIENT_GONE', 499, 'The client closed the connection before its request was complete.')
}
