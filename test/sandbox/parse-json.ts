/** Reads a JSON object that a test expects. */

import { isJsonObject } from '../../src/model/json.ts'

/** The object, or an error that shows the text. */
export function parseJsonObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  if (!isJsonObject(value)) throw new Error(`not an object: ${text}`)
  return { ...value }
}
