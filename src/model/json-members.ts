/**
 * The members of a JSON object as the texts that they are in it: what is taken out of a result and put together anew stays what it was, numbers included
 * that JavaScript cannot hold.
 */

const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125]

/** Top-level members of `json`, which must be the valid text of an object. Of equal keys the last one counts. */
export function membersOf(json: string): Map<string, string> {
  const members = new Map<string, string>()
  let at = json.indexOf('{') + 1
  for (;;) {
    const opening = json.indexOf('"', at)
    if (opening < 0) return members
    const closing = endOfString(json, opening)
    const key: unknown = JSON.parse(json.slice(opening, closing))
    const from = json.indexOf(':', closing) + 1
    const to = endOfValue(json, from)
    members.set(String(key), json.slice(from, to).trim())
    if (json.charCodeAt(to) !== COMMA) return members
    at = to + 1
  }
}

/** The text of an object with these members. */
export function objectOf(members: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [key, value] of members) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${value}`
  return `{${text}}`
}

/** True when the text of a JSON document is that of an array. */
export function isArrayText(json: string): boolean {
  return startsWith(json, '[')
}

/** True when the text of a JSON document is that of an object. */
export function isObjectText(json: string): boolean {
  return startsWith(json, '{')
}

function startsWith(json: string, sign: string): boolean {
  return json.startsWith(sign) || json.trimStart().startsWith(sign)
}

/** Index after the string that begins at `from`. */
function endOfString(json: string, from: number): number {
  for (let at = from + 1; ;) {
    const quote = json.indexOf('"', at)
    let backslashes = 0
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

/** Index of the comma or bracket that ends the value which begins at `from`. */
function endOfValue(json: string, from: number): number {
  let depth = 0
  for (let at = from; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) at = endOfString(json, at) - 1
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if (code === COMMA && depth === 0) return at
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && depth-- === 0) return at
  }
  return json.length
}
