/** Where this installation keeps the files that are no TypeScript. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of a file of the installation, given from its root, whether this code runs from src/ or from a compiled tree. Throws when there is none. */
export function installedFile(path: string): string {
  const found = findInstalledFile(path)
  if (found === undefined) throw new Error(`this installation of Stave has no ${path}`)
  return found
}

/** The same for a file that is not part of every installation: undefined when it is not there. */
export function findInstalledFile(path: string): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, path))) return join(at, path)
  }
  return undefined
}
