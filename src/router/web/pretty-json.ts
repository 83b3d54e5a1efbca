/** JSON as OpenWhisk prints it for web actions: one member of an object a line, arrays on one line. The layout is spray-json's. */

import { endOfString, endOfWord, skipSpace } from './json-text.ts'

const STEP = '  '
/** Indentation grows no further than this: a deep object must not make an answer hundreds of times as long as the result that it shows. */
const MAX_INDENTED = 32
const INDENTS: readonly string[] = Array.from({ length: MAX_INDENTED + 1 }, (_, depth) => STEP.repeat(depth))

/** Lays out JSON text, which must be valid. Names, strings and numbers stay as they are written. */
export function prettyJson(json: string): string {
  let out = ''
  /** Whether each of the open brackets is an object's. */
  const open: boolean[] = []
  let objects = 0
  for (let at = skipSpace(json, 0); at < json.length; at = skipSpace(json, at)) {
    const character = json.charAt(at)
    switch (character) {
      case '{':
        open.push(true)
        objects++
        at++
        // An empty object has two line ends, too.
        out += json.charAt(skipSpace(json, at)) === '}' ? '{\n' : `{\n${indent(objects)}`
        break
      case '[':
        open.push(false)
        at++
        out += '['
        break
      case '}':
        open.pop()
        objects--
        at++
        out += `\n${indent(objects)}}`
        break
      case ']':
        open.pop()
        at++
        out += ']'
        break
      case ',':
        at++
        out += open.at(-1) === true ? `,\n${indent(objects)}` : ', '
        break
      case ':':
        at++
        out += ': '
        break
      default: {
        const end = character === '"' ? endOfString(json, at) : endOfWord(json, at)
        out += json.slice(at, end)
        at = end
      }
    }
  }
  return out
}

function indent(depth: number): string {
  return INDENTS[Math.min(depth, MAX_INDENTED)] ?? ''
}
