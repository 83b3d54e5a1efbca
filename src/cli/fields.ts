/** Reads fields of the API's answers: what is not of the expected type is as good as absent, so that an odd server breaks no command. */

import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'

/** A string or number as text, else nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** The number, or undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** The objects of a list. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((entry: unknown) => isJsonObject(entry)) : []
}

/** The `annotations` of an entity, an activation or a list item. */
export function annotationsOf(entity: unknown): readonly { readonly key: string; readonly value: JsonValue }[] {
  return objectsOf(isJsonObject(entity) ? entity.annotations : undefined).flatMap(({ key, value }) =>
    typeof key === 'string' && value !== undefined ? [{ key, value }] : [],
  )
}

/** The value of one annotation, or undefined. */
export function annotationOf(entity: unknown, key: string): JsonValue | undefined {
  return annotationsOf(entity).find((annotation) => annotation.key === key)?.value
}

/** The `logs` of a record or of the logs resource. */
export function logsOf(value: unknown): readonly string[] {
  if (!isJsonObject(value) || !Array.isArray(value.logs)) return []
  return value.logs.filter((line: unknown) => typeof line === 'string')
}
