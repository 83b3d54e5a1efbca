/** JSON text looked at without being parsed: results are passed on as they came, digits of numbers included. The text must be valid JSON. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

/** The members of an object as JSON texts, of equal names the last; undefined when the text is no object. */
export function membersOf(json: string): ReadonlyMap<string, string> | undefined {
  let at = skipSpace(json, 0)
  if (json.charCodeAt(at) !== OPEN_BRACE) return undefined
  const members = new Map<string, string>()
  at = skipSpace(json, at + 1)
  while (json.charCodeAt(at) === QUOTE) {
    const nameEnd = endOfString(json, at)
    const name = nameOf(json, at, nameEnd)
    const valueStart = skipSpace(json, skipSpace(json, nameEnd) + 1)
    const valueEnd = endOfValue(json, valueStart)
    members.set(name, json.slice(valueStart, valueEnd))
    at = skipSpace(json, valueEnd)
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1)
  }
  return members
}

function nameOf(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end - 1)
  if (!text.includes('\\')) return text
  const name: string = JSON.parse(json.slice(start, end))
  return name
}

/** The value of a text that is a string's; undefined when it is something else's. */
export function stringIn(json: string): string | undefined {
  if (json.charCodeAt(skipSpace(json, 0)) !== QUOTE) return undefined
  const text: string = JSON.parse(json)
  return text
}

/** Index of the first character from `at` that is not white space. */
export function skipSpace(json: string, at: number): number {
  let index = at
  while (index < json.length && json.charCodeAt(index) <= SPACE) index++
  return index
}

/** Index behind the string whose opening quote is at `at`. */
export function endOfString(json: string, at: number): number {
  for (let quote = json.indexOf('"', at + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let escapes = 0
    while (json.charCodeAt(quote - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return quote + 1
  }
  return json.length
}

/** Index behind the number, `true`, `false` or `null` that begins at `at`. */
export function endOfWord(json: string, at: number): number {
  let index = at
  for (; index < json.length; index++) {
    const code = json.charCodeAt(index)
    if (code <= SPACE || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) break
  }
  return index
}

function endOfValue(json: string, at: number): number {
  const first = json.charCodeAt(at)
  if (first === QUOTE) return endOfString(json, at)
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return endOfWord(json, at)
  let depth = 0
  let index = at
  while (index < json.length) {
    const code = json.charCodeAt(index)
    if (code === QUOTE) {
      index = endOfString(json, index)
      continue
    }
    index++
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) break
  }
  return index
}
