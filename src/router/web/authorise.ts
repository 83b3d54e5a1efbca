/** Annotation `require-whisk-auth`, enforced. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { refusal } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import type { WebExport } from './web-export.ts'

/** Throws 401 unless the caller may call. `given` is the header `X-Require-Whisk-Auth`. */
export function authorise(
  { requiredAuth, customOptions }: WebExport,
  method: string,
  caller: Identity | undefined,
  given: string | undefined,
): void {
  if (requiredAuth === 'none' || (customOptions && method === 'OPTIONS')) return
  if (requiredAuth === 'key') {
    if (caller !== undefined) return
  } else if (requiredAuth !== 'never' && given !== undefined && equalInConstantTime(given, requiredAuth.secret)) return
  throw refusal('UNAUTHENTICATED', 401)
}

/** Compares digests, so that neither length nor common prefix shows in the time that it takes. */
function equalInConstantTime(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
