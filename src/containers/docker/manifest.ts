/** Which kinds there are on a Docker Engine, and which image serves each. */

import { readFileSync } from 'node:fs'
import type { RuntimesManifest } from '../../model/manifest.ts'
import { formatImage } from '../../model/manifest.ts'
import { findInstalledFile } from '../installed-file.ts'
import { parseManifest } from '../parse-manifest.ts'
import { readManifest, withDefaults, withStemCells } from '../read-manifest.ts'

export interface DockerManifestOptions {
  /** JSON text of a manifest, or the path of a file with one; empty: the built-in one. */
  readonly manifest: string
  /** Family -> stem cells of its default kind. */
  readonly stemCells: Readonly<Record<string, number>>
  /** The operator has set these: they hold for images that were built on this engine, too. */
  readonly ownStemCells: boolean
  readonly hasImage: (image: string) => Promise<boolean>
}

/** Images that `npm run images:local` builds. */
const LOCAL_IMAGES = 'runtimes/local-images.json'

/**
 * The configured manifest as it is. Of the built-in one, where images were built on this engine, the kinds that those serve; elsewhere all of it, with
 * OpenWhisk's images. Rejects when the manifest cannot be read.
 */
export async function dockerManifest({
  manifest,
  stemCells,
  ownStemCells,
  hasImage,
}: DockerManifestOptions): Promise<RuntimesManifest> {
  const found =
    manifest === ''
      ? ((await localManifest(hasImage, ownStemCells)) ?? readManifest(undefined))
      : readManifest(manifest)
  return { ...found, kinds: withStemCells(found.kinds, stemCells) }
}

async function localManifest(
  hasImage: DockerManifestOptions['hasImage'],
  ownStemCells: boolean,
): Promise<RuntimesManifest | undefined> {
  const file = findInstalledFile(LOCAL_IMAGES)
  if (file === undefined) return undefined
  const local = parseManifest(readFileSync(file, 'utf8'))
  const here = await Promise.all(local.kinds.map(({ image }) => hasImage(formatImage(image))))
  const found = local.kinds.filter((_kind, index) => here[index])
  const kinds = ownStemCells ? found.map((kind) => Object.assign({}, kind, { stemCells: [] })) : found
  if (kinds.length === 0) return undefined
  // The newest of each family is the last in the manifest.
  const preferred = kinds.map(({ kind }) => kind).toReversed()
  return { kinds: withDefaults(kinds, preferred), blackboxes: local.blackboxes }
}
