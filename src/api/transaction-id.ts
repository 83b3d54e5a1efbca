/** What a request is known by: the caller's `X-Request-ID` where it is fit to be repeated, else a new one. */

import type { IncomingMessage } from 'node:http'
import type { IdSource, TransactionId } from '../model/ids.ts'

/** Ids that begin so belong to the system's own work (OpenWhisk's convention). */
const RESERVED = 'sid_'
/** The id is repeated in headers, JSON and logs: nothing in it may need escaping, and a log line must stay short. */
const REPEATABLE = /^[\w.:@/+=-]{1,128}$/

/** The transaction id of a request. */
export function transactionIdOf(req: IncomingMessage, ids: Pick<IdSource, 'transactionId'>): TransactionId {
  const given = req.headers['x-request-id']
  if (typeof given === 'string' && REPEATABLE.test(given) && !given.startsWith(RESERVED)) return given as TransactionId
  return ids.transactionId()
}
