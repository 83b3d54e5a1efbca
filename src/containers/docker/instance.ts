/** Which of the containers on an engine are this platform's: a name that outlives its process, its container and the name of its host. */

import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** In the data directory: what tells it from all others at the same path, as two volumes of two platforms on one engine are. */
const MARK_FILE = 'instance'
const MARK = /^[0-9a-f]{16}$/

export interface InstanceOptions {
  /** The name that the operator gave this node; empty: none. Where there is one, it is what tells platforms apart. */
  readonly nodeName: string
  /** Exists, and belongs to one running platform. */
  readonly dataDir: string
}

/** 16 characters. Two platforms on one engine have different ones, if their node names, or else their data directories, are different. */
export function instanceOf({ nodeName, dataDir }: InstanceOptions): string {
  const name = nodeName === '' ? markOf(dataDir) : nodeName
  return createHash('sha256').update(`${name}:${dataDir}`).digest('hex').slice(0, 16)
}

/** The mark in a data directory, which is made where it is missing. */
function markOf(dataDir: string): string {
  const file = join(dataDir, MARK_FILE)
  const found = readMark(file)
  if (MARK.test(found)) return found
  const mark = randomBytes(8).toString('hex')
  writeFileSync(file, mark, { mode: 0o600 })
  return mark
}

function readMark(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
