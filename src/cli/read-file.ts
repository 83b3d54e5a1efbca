/** Reads the files that `-P` and `-A` name. */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** A reader of texts whose paths may be relative to `cwd`. It throws as the file system does. */
export function readFileFrom(cwd: string): (path: string) => string {
  return (path) => readFileSync(resolve(cwd, path), 'utf8')
}
