/** Keeps secrets and user data out of logs: by the name of a field, and by what text looks like. */

export const REDACTED = '[redacted]'

/** Bounds of one logged value: whoever logs a whole object graph or a payload by mistake gets a cut-off line, not a slow platform. */
const MAX_DEPTH = 6
const MAX_ENTRIES = 64
const MAX_CHARACTERS = 4096

/** Names whose values are never shown, compared in lower case without `-` and `_`. */
const SECRET_NAME =
  /(?:authorization|password|passwd|secret|token|credentials?|apikey|privatekey|cookie)$|^(?:key|auth|parameters?|params|payload|body|args|env|environment)$/

/** What secrets look like inside text: OpenWhisk's `uuid:key`, authorization schemes, passwords in URLs, secrets in JSON and in environments. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):[^\s"',;]+/gi, `$1:${REDACTED}`],
  [/\b(Basic|Bearer)\s+[A-Za-z0-9+/._~-]{6,}=*/gi, `$1 ${REDACTED}`],
  [/(\w:\/\/)[^\s/@"]*:[^\s/@"]*@/g, `$1${REDACTED}@`],
  [
    /("[^"\\]{0,64}(?:authorization|password|passwd|secret|token|api_?key)"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|$)/gi,
    `$1"${REDACTED}"`,
  ],
  [/\b(\w{0,64}(?:API_?KEY|PASSWORD|SECRET|TOKEN))=[^\s&;,]+/gi, `$1=${REDACTED}`],
]

/** Terminal escapes and other control characters, line breaks and tabs aside: users choose part of what is logged. */
const CONTROL = /[^\P{Cc}\n\t]/gu

/** The text without secrets and control characters, cut to 4096 characters. */
export function redactText(text: string): string {
  // Cut before the patterns run: their cost is bounded, and a secret at the cut is covered because its pattern has no required end.
  let result = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}… (${text.length} characters)` : text
  for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement)
  return result.replace(CONTROL, '\uFFFD')
}

/** A copy of the fields that may be written to a log as JSON: no secrets, no cycles, bounded in depth, entries and length. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactEntries(Object.entries(fields), 0)
}

function redactEntries(entries: readonly [string, unknown][], depth: number): Record<string, unknown> {
  const shown = entries.slice(0, MAX_ENTRIES).map(([name, value]): [string, unknown] => {
    const secret = value !== undefined && SECRET_NAME.test(name.replace(/[-_]/g, '').toLowerCase())
    return [name, secret ? REDACTED : redactValue(value, depth + 1)]
  })
  if (entries.length > MAX_ENTRIES) shown.push(['…', `${entries.length - MAX_ENTRIES} more`])
  return Object.fromEntries(shown)
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return `(${typeof value})`
  if (typeof value !== 'object' || value === null) return value
  if (depth > MAX_DEPTH) return '(nested too deep)'
  if (value instanceof Error) return redactError(value, depth)
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (value instanceof Map)
    return redactEntries(
      [...value].map(([key, entry]) => [String(key), entry]),
      depth,
    )
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value].slice(0, MAX_ENTRIES)
    return items.map((item: unknown) => redactValue(item, depth + 1))
  }
  return redactEntries(Object.entries(value), depth)
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: redactText(error.message),
    ...(error.stack !== undefined && { stack: redactText(error.stack) }),
    ...('code' in error && { code: redactValue(error.code, depth + 1) }),
    ...(error.cause !== undefined && { cause: redactValue(error.cause, depth + 1) }),
  }
}
