/** JSON values as types, and the one notion of truth that OpenWhisk's annotations use. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** True for `{…}`; false for arrays, null and scalars. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True when `text` is a JSON document. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** OpenWhisk's truth: `false`, `null`, `0` and `""` are false; everything else, the string "false" included, is true. */
export function isTruthy(value: JsonValue | undefined): boolean {
  return !(value === undefined || value === null || value === false || value === 0 || value === '')
}
