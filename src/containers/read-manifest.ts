/** The runtimes manifest of the configuration: its text, its file or the built-in one, and how many stem cells it has. */

import { readFileSync } from 'node:fs'
import type { RuntimeKind, RuntimesManifest, StemCellSetting } from '../model/manifest.ts'
import { installedFile } from './installed-file.ts'
import { parseManifest } from './parse-manifest.ts'

/** OpenWhisk's standard memory of an action. */
const STEM_CELL_MEMORY_MB = 256
/** OpenWhisk's own reactive setting: one more for each cold start, up to twice the number, for two minutes. */
const STEM_CELL_TTL_MS = 120_000

/** The manifest of that text or file; the built-in one for undefined. Throws an Error that names the file. */
export function readManifest(manifest: string | undefined): RuntimesManifest {
  if (manifest?.trimStart().startsWith('{')) return parseManifest(manifest)
  const file = manifest ?? installedFile('runtimes/runtimes.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(
      `the runtimes manifest ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
  try {
    return parseManifest(text)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} (${file})`, { cause: error })
  }
}

/** A family whose default is absent gets the first of `preferred` (kinds in the order in which they were found to be best). */
export function withDefaults(kinds: readonly RuntimeKind[], preferred: readonly string[]): readonly RuntimeKind[] {
  return kinds.map((kind) => {
    const siblings = kinds.filter(({ family }) => family === kind.family)
    if (siblings.some((sibling) => sibling.default)) return kind
    const first = preferred.find((name) => siblings.some((sibling) => sibling.kind === name))
    return { ...kind, default: kind.kind === first }
  })
}

/** The kinds with `counts` (family to count) stem cells of each family's default kind, where the manifest gives its family none. */
export function withStemCells(
  kinds: readonly RuntimeKind[],
  counts: Readonly<Record<string, number>>,
): readonly RuntimeKind[] {
  return kinds.map((kind) => {
    const count = counts[kind.family] ?? 0
    const hasOwn = kinds.some(({ family, stemCells }) => family === kind.family && stemCells.length > 0)
    return kind.default && !kind.deprecated && count > 0 && !hasOwn ? { ...kind, stemCells: [stemCell(count)] } : kind
  })
}

function stemCell(count: number): StemCellSetting {
  const reactive = { minCount: count, maxCount: count * 2, ttlMs: STEM_CELL_TTL_MS, threshold: 1, increment: 1 }
  return { initialCount: count, memoryMb: STEM_CELL_MEMORY_MB, reactive }
}
