/** Parameters and annotations: lists of key and value, the last of equal keys wins. */

import { malformedContent, partTooLarge } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'

export interface Annotation {
  readonly key: string
  readonly value: JsonValue
}

export interface Parameter extends Annotation {
  /** Passed as environment at `/init` instead of with each run; present only when true. */
  readonly init?: true
  /** Scheme of an encrypted value; present only on ciphertext. */
  readonly encryption?: string
}

/** Parses the `parameters` field of a body; throws 400 `parameters malformed!`. */
export function parseParameters(value: unknown): readonly Parameter[] {
  const byKey = new Map<string, Parameter>()
  for (const entry of entriesOf(value)) {
    const { key, value: held } = keyAndValue(entry)
    const { init, encryption } = entry
    if (init !== undefined && typeof init !== 'boolean') throw malformedContent('parameters malformed!')
    if (encryption !== undefined && encryption !== null && typeof encryption !== 'string') {
      throw malformedContent('parameters malformed!')
    }
    byKey.delete(key)
    byKey.set(key, {
      key,
      value: held,
      ...(init === true && { init }),
      ...(typeof encryption === 'string' && { encryption }),
    })
  }
  return [...byKey.values()]
}

/** Parses the `annotations` field of a body; the message on failure says `parameters malformed!` as OpenWhisk's does. */
export function parseAnnotations(value: unknown): readonly Annotation[] {
  const byKey = new Map<string, Annotation>()
  for (const entry of entriesOf(value)) {
    const { key, value: held } = keyAndValue(entry)
    byKey.delete(key)
    byKey.set(key, { key, value: held })
  }
  return [...byKey.values()]
}

function entriesOf(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value) || !value.every((entry) => isJsonObject(entry)))
    throw malformedContent('parameters malformed!')
  return value
}

function keyAndValue(entry: JsonObject): Annotation {
  const { key, value } = entry
  if (typeof key !== 'string' || value === undefined) throw malformedContent('parameters malformed!')
  return { key, value }
}

/** The value of annotation `key`, or undefined when there is none. */
export function annotation(annotations: readonly Annotation[], key: string): JsonValue | undefined {
  return annotations.find((entry) => entry.key === key)?.value
}

/** `base` with each entry of `overlay` replacing the one of the same key or added at the end. */
export function mergeByKey<Entry extends Annotation>(
  base: readonly Entry[],
  overlay: readonly Entry[],
): readonly Entry[] {
  const byKey = new Map<string, Entry>()
  for (const entry of base) byKey.set(entry.key, entry)
  for (const entry of overlay) byKey.set(entry.key, entry)
  return [...byKey.values()]
}

/** Bytes as OpenWhisk counts them: UTF-8 length of each key plus that of its value's compact JSON. */
export function sizeOf(entries: readonly Annotation[]): number {
  let bytes = 0
  for (const { key, value } of entries) bytes += Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value))
  return bytes
}

/** Throws 413 when `entries` are larger than `allowed` bytes. */
export function checkSize(part: 'parameters' | 'annotations', entries: readonly Annotation[], allowed: number): void {
  const bytes = sizeOf(entries)
  if (bytes > allowed) throw partTooLarge(part, bytes, allowed)
}
