/** An authenticated request below `/api/v1`. */

import type { Exchange } from '../api/exchange.ts'
import type { Identity } from '../model/identity.ts'

export interface ApiCall extends Exchange {
  readonly identity: Identity
  /** Without its question mark. */
  readonly query: string
}
