/** The `exec` part of an action's PUT body, parsed into what is stored: kind resolved, binary recognised, code told apart from the rest. */

import { createHash } from 'node:crypto'
import type { CodeDigest, Exec, RunnableExec, SequenceExec } from './action.ts'
import { malformedContent } from './errors.ts'
import { isImageReference } from './image-reference.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'
import type { RuntimeKind, RuntimesManifest } from './manifest.ts'
import { findKind } from './manifest.ts'
import type { NamespaceName } from './names.ts'
import { parseNameReference } from './names.ts'

/** Which kinds can be had. */
export interface ExecRules {
  readonly manifest: RuntimesManifest
  /** What `_` stands for in the names of a sequence's components. */
  readonly namespace: NamespaceName
}

/** An exec as uploaded, with its code still at hand. */
export interface NewExec {
  readonly exec: Exec
  /** Undefined for a sequence, and for an image that brings its own code. */
  readonly code: string | undefined
}

const BLACKBOX = 'blackbox'
const SEQUENCE = 'sequence'

/** Parses `exec`; throws the 400 that OpenWhisk gives for each fault. A deprecated kind passes: what may be done with it is not a matter of form. */
export function parseExec(value: JsonValue, rules: ExecRules): NewExec {
  if (!isJsonObject(value)) throw malformedContent('JSON object expected')
  if (typeof value['kind'] !== 'string') throw malformedContent("'kind' must be a string defined in 'exec'")
  // Messages quote the kind as it was asked for, not what a `:default` stands for.
  const asked = value['kind'].trim().toLowerCase()
  if (asked === SEQUENCE) return { exec: parseSequence(value, rules), code: undefined }
  if (asked === BLACKBOX) return parseBlackbox(value)
  const kind = findKind(rules.manifest, asked)
  if (kind === undefined) throw unknownKind(asked, rules.manifest)
  return parseManaged(value, asked, kind)
}

function unknownKind(asked: string, manifest: RuntimesManifest): Error {
  const known = manifest.kinds.map(({ kind }) => `'${kind}'`).join(', ')
  return malformedContent(
    `The specified runtime '${asked}' is not supported by this platform. Valid values are: ${known}.`,
  )
}

function parseManaged(value: JsonObject, asked: string, kind: RuntimeKind): NewExec {
  // `jar` is how the first Java clients called it.
  const code = value['code'] ?? value['jar']
  if (typeof code !== 'string') {
    const what = kind.attached ? 'a string or attachment object' : 'a string'
    throw malformedContent(`'code' must be ${what} defined in 'exec' for '${asked}' actions`)
  }
  const main = parseMain(value, asked)
  if (main === undefined && kind.requireMain) {
    throw malformedContent(`'main' must be a string defined in 'exec' for '${asked}' actions`)
  }
  const exec: RunnableExec = {
    type: 'code',
    kind: kind.kind,
    code: digestOf(code),
    codeBytes: Buffer.byteLength(code),
    binary: isBinary(code),
    ...(main !== undefined && { main }),
  }
  return { exec, code }
}

function parseBlackbox(value: JsonObject): NewExec {
  const { image, code } = value
  if (typeof image !== 'string') {
    throw malformedContent("'image' must be a string defined in 'exec' for 'blackbox' actions")
  }
  if (!isImageReference(image)) throw malformedContent('could not parse image name')
  if (code !== undefined && code !== null && typeof code !== 'string') {
    throw malformedContent("if defined, 'code' must be a string or attachment object in 'exec' for 'blackbox' actions")
  }
  const given = typeof code === 'string' && code.trim() !== '' ? code : undefined
  const main = parseMain(value, BLACKBOX)
  const exec: RunnableExec = {
    type: 'blackbox',
    image,
    ...(given !== undefined && { code: digestOf(given) }),
    codeBytes: given === undefined ? 0 : Buffer.byteLength(given),
    binary: given !== undefined && isBinary(given),
    ...(main !== undefined && { main }),
  }
  return { exec, code: given }
}

function parseSequence({ components }: JsonObject, rules: ExecRules): SequenceExec {
  if (components === undefined || components === null) {
    throw malformedContent("'components' must be defined for sequence kind")
  }
  if (!Array.isArray(components)) throw malformedContent("'components' must be an array")
  return {
    type: 'sequence',
    components: components.map((component: JsonValue) => parseNameReference(component, rules.namespace)),
  }
}

function parseMain(value: JsonObject, asked: string): string | undefined {
  const { main } = value
  if (main === undefined || typeof main === 'string') return main
  throw malformedContent(`if defined, 'main' be a string in 'exec' for '${asked}' actions`)
}

/** The name under which code is stored. */
export function digestOf(code: string): CodeDigest {
  return createHash('sha256').update(code).digest('hex') as CodeDigest
}

/**
 * OpenWhisk's look-alike rule: code counts as the base64 of an archive when, trimmed, it is not empty, its length is a multiple of 4 and it has only
 * the standard alphabet with at most two `=` at the end. Short source such as `abcd` passes for binary, and clients rely on seeing it so.
 */
export function isBinary(code: string): boolean {
  const text = code.trim()
  if (text === '' || text.length % 4 !== 0) return false
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const end = text.length - padding
  // A loop, not a regular expression: 48 MB of archive would need a backtracking stack of that size; source text fails at its first space.
  for (let at = 0; at < end; at++) {
    if (!isBase64Character(text.charCodeAt(at))) return false
  }
  return true
}

function isBase64Character(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x2f && code <= 0x39) || // / and 0-9
    code === 0x2b // +
  )
}
