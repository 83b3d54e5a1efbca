/** The runtimes manifest in OpenWhisk's format (`runtimes.json`): read, checked and turned into the model's form. */

import * as v from 'valibot'
import type { RuntimeImage, RuntimeKind, RuntimesManifest, StemCellSetting } from '../model/manifest.ts'

const MB = 1024 * 1024
const BYTES: Readonly<Record<string, number>> = { B: 1, K: 1024, KB: 1024, M: MB, MB, G: 1024 * MB, GB: 1024 * MB }
/** Units of Scala's Duration, which OpenWhisk reads these with. */
const MILLISECONDS: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|millis?|milliseconds?)$/, 1],
  [/^(?:s|secs?|seconds?)$/, 1000],
  [/^(?:m|mins?|minutes?)$/, 60_000],
  [/^(?:h|hours?)$/, 3_600_000],
  [/^(?:d|days?)$/, 86_400_000],
]

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000))
const positive = v.pipe(count, v.minValue(1))
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(255))

const imageSchema = v.object({
  registry: v.optional(v.string()),
  prefix: v.optional(v.string()),
  name: text,
  tag: v.optional(v.string()),
})

const stemCellSchema = v.pipe(
  v.object({
    initialCount: v.optional(positive),
    /** The name that older manifests have for it. */
    count: v.optional(positive),
    memory: v.string(),
    reactive: v.optional(
      v.pipe(
        v.object({ minCount: count, maxCount: positive, ttl: v.string(), threshold: positive, increment: positive }),
        v.check(({ minCount, maxCount }) => minCount <= maxCount, 'minCount must not exceed maxCount'),
        v.check(({ increment, maxCount }) => increment <= maxCount, 'increment must not exceed maxCount'),
      ),
    ),
  }),
  v.check((cell) => (cell.initialCount ?? cell.count) !== undefined, 'initialCount is missing'),
)

const kindSchema = v.object({
  kind: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*:[A-Za-z0-9_.-]+$/, 'must be written family:version')),
  default: v.optional(v.boolean()),
  deprecated: v.optional(v.boolean()),
  requireMain: v.optional(v.boolean()),
  attached: v.optional(v.object({ attachmentName: v.string(), attachmentType: v.string() })),
  sentinelledLogs: v.optional(v.boolean()),
  image: imageSchema,
  stemCells: v.optional(v.array(stemCellSchema)),
})

const manifestSchema = v.object({
  runtimes: v.record(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/)), v.array(kindSchema)),
  blackboxes: v.optional(v.array(imageSchema)),
})

/**
 * Parses the JSON text of a manifest. Throws an Error whose message says where it is wrong: not JSON, a field of the wrong type, a kind of another family or
 * listed twice, a family without exactly one default among several kinds, a stem cell's memory or ttl that cannot be read.
 */
export function parseManifest(json: string): RuntimesManifest {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (error) {
    throw new Error(`the runtimes manifest is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  const parsed = v.safeParse(manifestSchema, data)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new Error(`the runtimes manifest is wrong at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`)
  }
  const { runtimes, blackboxes = [] } = parsed.output
  const kinds = Object.entries(runtimes).flatMap(([family, entries]) => kindsOf(family, entries))
  const twice = kinds.find(({ kind }, index) => kinds.findIndex((other) => other.kind === kind) !== index)
  if (twice !== undefined) throw new Error(`the runtimes manifest lists ${twice.kind} twice`)
  return { kinds, blackboxes: blackboxes.map((image) => imageOf(image)) }
}

function kindsOf(family: string, entries: readonly v.InferOutput<typeof kindSchema>[]): readonly RuntimeKind[] {
  const defaults = entries.filter((entry) => entry.default === true)
  if (entries.length > 1 && defaults.length !== 1) {
    throw new Error(`the runtimes manifest must name one default kind for ${family}, it names ${defaults.length}`)
  }
  return entries.map((entry) => {
    if (!entry.kind.startsWith(`${family}:`)) {
      throw new Error(`the runtimes manifest lists ${entry.kind} under ${family}`)
    }
    return {
      kind: entry.kind,
      family,
      default: entry.default === true || entries.length === 1,
      deprecated: entry.deprecated ?? false,
      requireMain: entry.requireMain ?? false,
      attached: entry.attached !== undefined,
      sentinelledLogs: entry.sentinelledLogs ?? true,
      image: imageOf(entry.image),
      stemCells: (entry.stemCells ?? []).map((cell) => stemCellOf(entry.kind, cell)),
    }
  })
}

function imageOf({ registry, prefix, name, tag }: v.InferOutput<typeof imageSchema>): RuntimeImage {
  return {
    name,
    ...(registry !== undefined && { registry }),
    ...(prefix !== undefined && { prefix }),
    ...(tag !== undefined && { tag }),
  }
}

function stemCellOf(kind: string, cell: v.InferOutput<typeof stemCellSchema>): StemCellSetting {
  const { reactive } = cell
  return {
    initialCount: cell.initialCount ?? cell.count ?? 1,
    memoryMb: megabytes(kind, cell.memory),
    ...(reactive !== undefined && {
      reactive: {
        minCount: reactive.minCount,
        maxCount: reactive.maxCount,
        ttlMs: duration(kind, reactive.ttl),
        threshold: reactive.threshold,
        increment: reactive.increment,
      },
    }),
  }
}

function megabytes(kind: string, size: string): number {
  const [, amount, unit] = /^\s*(\d{1,12})\s*([A-Za-z]+)\s*$/.exec(size) ?? []
  const factor = BYTES[unit?.toUpperCase() ?? '']
  const mb = factor === undefined ? 0 : Math.floor((Number(amount) * factor) / MB)
  if (mb < 1)
    throw new Error(`the runtimes manifest has a stem cell of ${kind} with memory '${size}', not like '256 MB'`)
  return mb
}

function duration(kind: string, length: string): number {
  const [, amount, unit = ''] = /^\s*(\d{1,9})\s*([a-z]+)\s*$/.exec(length) ?? []
  const factor = MILLISECONDS.find(([pattern]) => pattern.test(unit))?.[1]
  const ms = factor === undefined ? 0 : Number(amount) * factor
  if (ms <= 0)
    throw new Error(`the runtimes manifest has a stem cell of ${kind} with ttl '${length}', not like '2 minutes'`)
  return ms
}
