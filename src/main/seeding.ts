/** Seeds the system's packages beside the rest of the start, and again later as long as the store does not take them. */

import type { SeedDeps } from '../management/seed-packages.ts'
import { seedPackages } from '../management/seed-packages.ts'
import { readSystemPackages } from '../management/system-packages.ts'
import type { Cancel, Timers } from '../model/clock.ts'
import type { Logger } from '../telemetry/logger.ts'

/** A full disk takes an operator a while. */
const AGAIN_MS = 30_000

export interface Seeding {
  /** Resolves when the first attempt has ended, one way or the other. */
  readonly attempted: Promise<void>
  stop(): void
}

export interface SeedingDeps extends SeedDeps {
  readonly timers: Timers
  readonly log: Logger
}

/** Begins; no failure of it is one of the server, it is logged. */
export function startSeeding(on: SeedingDeps): Seeding {
  let cancel: Cancel | undefined
  let stopped = false
  const attempt = async (): Promise<void> => {
    try {
      const { written, occupied } = await seedPackages(await readSystemPackages(), on)
      if (written.length > 0) on.log.info({ entities: written.length }, 'system packages were written')
      if (occupied.length > 0) on.log.warn({ occupied }, 'names of system packages are taken by something else')
    } catch (error) {
      if (stopped) return
      on.log.warn({ error }, 'system packages could not be written; trying again later')
      cancel = on.timers.after(AGAIN_MS, () => void attempt())
    }
  }
  return {
    attempted: attempt(),
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
