/** `X-OW-EXTRA-LOGGING: on`: debug lines for this request whatever the log's level, and its records are kept whatever the storage level. */

import type { IncomingHttpHeaders } from 'node:http'

/** Not for actions to see: taken out of what they are told of a request. */
export const EXTRA_LOGGING_HEADER = 'x-ow-extra-logging'

/** True when the request asks for it. */
export function wantsExtraLogging(headers: IncomingHttpHeaders): boolean {
  const value = headers[EXTRA_LOGGING_HEADER]
  return typeof value === 'string' && value.trim().toLowerCase() === 'on'
}
