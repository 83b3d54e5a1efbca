/** What the platform's image is built from where there is no registry: the sources of this installation, and its packages without those for development. */

import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import manifest from '../../package.json' with { type: 'json' }

export const PLATFORM_IMAGE = 'stave/stave:local'
export const VERSION = manifest.version
/** In the context. */
export const DOCKERFILE = 'deploy/docker/Dockerfile'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Of these image-files.cjs takes what it needs. */
const PARTS = [
  'LICENSE',
  'package.json',
  'package-lock.json',
  'bin',
  'src',
  'runtimes',
  'system-packages',
  'deploy/docker',
]

interface LockedPackage {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly devOptional?: boolean
}

/** Paths of the packages that `npm ci --omit=dev --omit=optional` installs. */
export function productionPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  return Object.entries(packages).flatMap(([path, { dev, optional, devOptional }]) =>
    path === '' || dev === true || optional === true || devOptional === true ? [] : [path],
  )
}

/** Copies the context for a build to `directory`, which is made. */
export function copyPlatform(directory: string): void {
  mkdirSync(directory)
  for (const part of PARTS) cpSync(join(ROOT, part), join(directory, part), { recursive: true })
  for (const path of productionPackages()) {
    // What is nested in a package has a path of its own, and may be for development.
    const filter = (source: string): boolean => source !== join(ROOT, path, 'node_modules')
    cpSync(join(ROOT, path), join(directory, path), { recursive: true, filter })
  }
}
