/** Test support: every Python of this machine, found as the platform finds them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DiscoveredPython } from '../../src/containers/process/discover-python.ts'
import { discoverPython } from '../../src/containers/process/discover-python.ts'

/** What is wrong with an interpreter that does not answer is said on standard error. */
export async function everyPython(): Promise<readonly DiscoveredPython[]> {
  const cacheDir = mkdtempSync(join(tmpdir(), 'stave-python-cache-'))
  try {
    return await discoverPython({
      interpreters: {},
      path: process.env.PATH ?? '',
      cacheDir,
      log: { warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`) },
    })
  } finally {
    rmSync(cacheDir, { recursive: true, force: true })
  }
}
