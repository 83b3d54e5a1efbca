/** One request and its answer, as every function that reads or writes HTTP takes them. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TransactionId } from '../model/ids.ts'

export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly tid: TransactionId
  /** Takes debug lines about this request; undefined: nobody wants any. */
  readonly debug?: ((fields: Readonly<Record<string, unknown>>, message: string) => void) | undefined
}
