/** The arguments that a fire calls the actions of its rules with. */

import type { JsonObject } from '../model/json.ts'
import type { Payload } from './arguments.ts'
import { parsePayload } from './arguments.ts'
import type { JournalledFire } from './fire-entries.ts'

/** The trigger's parameters, below the headers of the request under `__ow_headers`, below what was fired. The last goes as it came, byte by byte. */
export function fireArguments({ parameters, headers, payload }: JournalledFire): Payload {
  const fired = parsePayload(Buffer.from(payload))
  const below: JsonObject = { ...parameters, __ow_headers: headers }
  const members = Object.entries(below)
    .filter(([key]) => !Object.hasOwn(fired.object, key))
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  if (members.length === 0) return fired
  const more = Object.keys(fired.object).length > 0
  const rest = payload.slice(payload.indexOf('{') + 1)
  return parsePayload(Buffer.from(`{${members.join(',')}${more ? ',' : ''}${rest}`))
}

/** Headers that actions do not get: the key of who fires, which a shared action of somebody else's would see, and switches of the platform. */
const WITHHELD: ReadonlySet<string> = new Set(['authorization', 'x-ow-extra-logging'])

/** The headers of a request as rules' actions get them; those that came several times are joined by commas. */
export function firedHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const kept: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || WITHHELD.has(name)) continue
    kept.push([name, typeof value === 'string' ? value : value.join(', ')])
  }
  return Object.fromEntries(kept)
}
