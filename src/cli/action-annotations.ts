/** What --web and --web-secure mean as annotations. */

import { randomInt } from 'node:crypto'
import type { JsonValue } from '../model/json.ts'
import { usageError } from './failure.ts'

export interface Annotation {
  readonly key: string
  readonly value: JsonValue
}

const SECURE = 'require-whisk-auth'

/** The annotations that `--web MODE` sets. Throws a usage error for other modes. */
export function webAnnotations(mode: string | undefined): readonly Annotation[] {
  if (mode === undefined) return []
  switch (mode.toLowerCase()) {
    case 'yes':
    case 'true':
      return flags(true, false)
    case 'raw':
      return flags(true, true)
    case 'no':
    case 'false':
      return flags(false, false)
    default:
      throw usageError(
        `Invalid argument '${mode}' for --web flag. Valid input consist of 'yes', 'true', 'raw', 'false', or 'no'.`,
      )
  }
}

function flags(web: boolean, raw: boolean): readonly Annotation[] {
  return [
    { key: 'web-export', value: web },
    { key: 'raw-http', value: raw },
    { key: 'final', value: web },
  ]
}

/**
 * What `--web-secure SECRET` sets and removes: `true` makes a secret up, `false` removes it. `draw(max)` gives a random whole number below `max`.
 */
export function secureAnnotations(
  secret: string | undefined,
  draw: (max: number) => number = (max) => randomInt(max),
): { readonly set: readonly Annotation[]; readonly remove: readonly string[] } {
  if (secret === undefined) return { set: [], remove: [] }
  if (secret === 'false') return { set: [], remove: [SECURE] }
  // Below 2^48, the bound of randomInt: every JSON reader keeps such a number exact.
  const value: JsonValue = secret === 'true' ? draw(2 ** 48 - 1) : /^\d{1,15}$/.test(secret) ? Number(secret) : secret
  return { set: [{ key: SECURE, value }], remove: [] }
}

/** True when `annotations` (of an action as the API answers it) make it a web action. */
export function isWebAction(annotations: readonly Annotation[]): boolean {
  return annotations.some(({ key, value }) => key === 'web-export' && value === true)
}
