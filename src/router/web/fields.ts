/** Query strings and forms, read into arguments. */

import { decodeQueryPart } from '../../api/request-target.ts'

/** The fields of `a=1&b=2`, decoded; of equal names the last counts, and a name alone has an empty value. */
export function parseFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (let at = 0; at < text.length;) {
    const amp = text.indexOf('&', at)
    const end = amp < 0 ? text.length : amp
    if (end > at) {
      const part = text.slice(at, end)
      const equals = part.indexOf('=')
      if (equals < 0) fields.set(decodeQueryPart(part), '')
      else fields.set(decodeQueryPart(part.slice(0, equals)), decodeQueryPart(part.slice(equals + 1)))
    }
    at = end + 1
  }
  return fields
}
