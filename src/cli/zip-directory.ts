/** Makes the archive of an action that is a directory. The same files make the same bytes, whenever and wherever they are packed. */

import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, EXIT } from './failure.ts'

/** Not part of any action, and often large. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.DS_Store'])
/** Far above what fits into the 48 MB of an action's code; keeps a home directory given by mistake out of memory. */
const MAX_BYTES = 512 * 1024 * 1024
const MAX_FILES = 100_000
/** ZIP knows no earlier date than 1980; a fixed one makes archives comparable. */
const FIXED_TIME = new Date(Date.UTC(1980, 0, 2))

interface PackedFile {
  /** Path inside the archive, with slashes. */
  readonly name: string
  readonly path: string
  readonly mode: number
  readonly bytes: number
}

/** The ZIP of all files below `directory`, links followed. Rejects when the directory is too large or cannot be read. */
export async function zipDirectory(directory: string): Promise<Buffer> {
  const files = filesBelow(directory)
  const { default: yazl } = await import('yazl')
  const zip = new yazl.ZipFile()
  for (const { name, path, mode } of files) {
    zip.addBuffer(readFileSync(path), name, { mtime: FIXED_TIME, mode, forceDosTimestamp: true })
  }
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function filesBelow(root: string): readonly PackedFile[] {
  const files: PackedFile[] = []
  let bytes = 0
  const visit = (directory: string, prefix: string, ancestors: readonly string[]): void => {
    const real = realpathSync(directory)
    // A link to a directory above would be packed for ever.
    if (ancestors.includes(real)) return
    for (const name of readdirSync(directory).sort()) {
      if (LEFT_OUT.has(name)) continue
      const path = join(directory, name)
      const stat = statSync(path)
      if (stat.isDirectory()) visit(path, `${prefix}${name}/`, [...ancestors, real])
      if (!stat.isFile()) continue
      bytes += stat.size
      files.push({ name: `${prefix}${name}`, path, mode: stat.mode, bytes: stat.size })
      if (bytes > MAX_BYTES || files.length > MAX_FILES) {
        throw new CliError(
          EXIT.general,
          `'${root}' holds too much for an action (more than ${MAX_BYTES / 1024 ** 2} MB or ${MAX_FILES} files).`,
        )
      }
    }
  }
  visit(root, '', [])
  return files
}
