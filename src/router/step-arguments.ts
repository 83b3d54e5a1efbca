/** The arguments of a step: what the flow gives it, over what is bound to its action. Nothing that does not change is parsed. */

import { isObjectText, membersOf, objectOf } from '../model/json-members.ts'
import type { Arguments } from './arguments.ts'
import { splice } from './arguments.ts'
import type { BoundParameters } from './resolved-action.ts'
import { environmentValue, toBytes } from './resolved-action.ts'

/** Arguments from `input`, the JSON text of an object or array. An array is passed on as it is; final parameters bind callers, not steps. */
export function stepArguments(action: BoundParameters, input: string): Arguments {
  const { bound, boundBytes, initKeys, initEnvironment } = action
  if ((bound.size === 0 && initKeys.size === 0) || !isObjectText(input))
    return { bytes: bytesOf(input), initEnvironment }
  const given = membersOf(input)
  const keys = [...given.keys()]
  if (!keys.some((key) => bound.has(key) || initKeys.has(key))) {
    return { bytes: splice(boundBytes, bytesOf(input), keys.length), initEnvironment }
  }
  const merged = new Map([...bound].map(([key, value]) => [key, JSON.stringify(value)]))
  const environment: Record<string, string> = { ...initEnvironment }
  for (const [key, value] of given) {
    if (initKeys.has(key)) environment[key] = environmentValue(JSON.parse(value))
    else merged.set(key, value)
  }
  return { bytes: bytesOf(objectOf(merged)), initEnvironment: environment }
}

/** UTF-8 bytes in a latin1 string, on one line: the text itself wherever it is ASCII. */
function bytesOf(json: string): string {
  const bytes = Buffer.byteLength(json) === json.length ? json : toBytes(json)
  return bytes.includes('\n') ? bytes.replaceAll('\n', ' ') : bytes
}

/** The text of a payload that came as bytes. */
export function textOf(bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return text.length === bytes.length ? bytes : text
}
