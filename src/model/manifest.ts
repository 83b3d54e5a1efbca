/** The runtimes manifest: which kinds exist, in OpenWhisk's schema (`runtimes.json`). */

/** Stem cells of one kind and memory size, with their reactive settings (spec/OpenWhisk: floor(n / threshold) * increment, clamped). */
export interface StemCellSetting {
  readonly initialCount: number
  readonly memoryMb: number
  readonly reactive?: {
    readonly minCount: number
    readonly maxCount: number
    readonly ttlMs: number
    readonly threshold: number
    readonly increment: number
  }
}

export interface RuntimeImage {
  readonly registry?: string
  readonly prefix?: string
  readonly name: string
  readonly tag?: string
}

/** One kind, for example `nodejs:24`. */
export interface RuntimeKind {
  readonly kind: string
  readonly family: string
  readonly default: boolean
  readonly deprecated: boolean
  readonly requireMain: boolean
  /** True where the manifest declares an attachment for the code: changes the error text only. */
  readonly attached: boolean
  readonly sentinelledLogs: boolean
  readonly image: RuntimeImage
  readonly stemCells: readonly StemCellSetting[]
}

/** The manifest after parsing and, for host execution, after dropping kinds whose interpreter is absent. */
export interface RuntimesManifest {
  readonly kinds: readonly RuntimeKind[]
  readonly blackboxes: readonly RuntimeImage[]
}

/** `[registry/][prefix/]name[:tag]` */
export function formatImage(image: RuntimeImage): string {
  const registry = image.registry === undefined || image.registry === '' ? '' : `${image.registry.replace(/\/$/, '')}/`
  const prefix = image.prefix === undefined || image.prefix === '' ? '' : `${image.prefix}/`
  const tag = image.tag === undefined || image.tag === '' ? '' : `:${image.tag}`
  return `${registry}${prefix}${image.name}${tag}`
}

/** The kind named `kind` (`family:default` resolves to the family's default), or undefined. */
export function findKind(manifest: RuntimesManifest, kind: string): RuntimeKind | undefined {
  const family = /^(.+):default$/.exec(kind)?.[1]
  return family === undefined
    ? manifest.kinds.find((entry) => entry.kind === kind)
    : manifest.kinds.find((entry) => entry.family === family && entry.default)
}
