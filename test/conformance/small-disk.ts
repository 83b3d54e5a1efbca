/** A disk that can be filled: a small memory file system where the test may mount one. */

import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  readonly directory: string
  /** Leaves no byte free. */
  fill(): void
  /** Gives the space back. */
  free(): void
  unmount(): void
}

/** Mounts `megabytes` at `directory`, an empty directory; undefined where that is not allowed. */
export function mountSmallDisk(directory: string, megabytes: number): SmallDisk | undefined {
  if (process.getuid?.() !== 0) return undefined
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'stave-test', directory])
  if (mounted.status !== 0) return undefined
  const filler = join(directory, 'filler')
  return {
    directory,
    fill() {
      for (let block = Buffer.alloc(64 * 1024); block.length > 0;) {
        try {
          writeFileSync(filler, block, { flag: 'a' })
        } catch {
          block = block.subarray(0, block.length >> 1)
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    unmount() {
      spawnSync('umount', ['-l', directory])
    },
  }
}
