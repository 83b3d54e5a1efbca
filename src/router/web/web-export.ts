/** What an action's annotations say of it as a web action. Those of its package or binding do not matter. */

import type { JsonValue } from '../../model/json.ts'
import type { Annotation } from '../../model/parameters.ts'
import { annotation } from '../../model/parameters.ts'

/** Whom annotation `require-whisk-auth` lets in: everybody, callers with a valid key, those who know a secret, or nobody. */
export type RequiredAuth = 'none' | 'key' | 'never' | { readonly secret: string }

export interface WebExport {
  /** Query and body are handed over as they come, instead of as arguments. */
  readonly raw: boolean
  /** The action answers OPTIONS itself, and no CORS headers are added to anything. */
  readonly customOptions: boolean
  readonly requiredAuth: RequiredAuth
}

/** Undefined where the action is not exported. Only a Boolean `true` exports: the text "true" does not. */
export function webExportOf(annotations: readonly Annotation[]): WebExport | undefined {
  if (annotation(annotations, 'web-export') !== true) return undefined
  return {
    raw: annotation(annotations, 'raw-http') === true,
    customOptions: annotation(annotations, 'web-custom-options') === true,
    requiredAuth: requiredAuthOf(annotation(annotations, 'require-whisk-auth')),
  }
}

function requiredAuthOf(value: JsonValue | undefined): RequiredAuth {
  if (value === undefined || value === false) return 'none'
  if (value === true) return 'key'
  if (typeof value === 'string' || typeof value === 'number') return { secret: String(value) }
  return 'never'
}
