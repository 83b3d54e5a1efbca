import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifest, system } from '../../test/api/api-server.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { Entity } from '../stores/artifact-store.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import type { Logger } from '../telemetry/logger.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { startSeeding } from './seeding.ts'

function scene(): {
  readonly lines: string[]
  readonly written: Entity[]
  readonly clock: ReturnType<typeof virtualClock>
  full: boolean
  start(): ReturnType<typeof startSeeding>
} {
  const lines: string[] = []
  const written: Entity[] = []
  const clock = virtualClock()
  const log: Logger = {
    ...silentLogger,
    info: (_, message) => void lines.push(`info ${message}`),
    warn: (_, message) => void lines.push(`warn ${message}`),
  }
  const running = {
    lines,
    written,
    clock,
    full: true,
    start: () =>
      startSeeding({
        artifacts: {
          getEntity: () => Promise.resolve(undefined),
          async putEntity(entity) {
            if (running.full) throw new StoreUnavailable('database or disk is full')
            written.push(entity)
            return entity.name as never
          },
        },
        manifest,
        system,
        clock,
        timers: clock,
        log,
        changed: () => undefined,
      }),
  }
  return running
}

/** The attempts read files: they end in their own time, not in that of the virtual clock. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds() && turn < 1000; turn++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(holds())
}

test('a store that is full or read-only does not fail the start; the packages are written when it takes them', async () => {
  const running = scene()
  await running.start().attempted
  assert.deepEqual(running.lines, ['warn system packages could not be written; trying again later'])
  await running.clock.advance(30_000)
  await until(() => running.lines.length === 2)
  running.full = false
  await running.clock.advance(30_000)
  await until(() => running.lines.length === 3)
  assert.equal(running.lines[2], 'info system packages were written')
  assert.equal(running.written.length, 19)
  await running.clock.advance(600_000)
  assert.equal(running.lines.length, 3, 'nothing more is tried')
})

test('after a stop nothing is tried again', async () => {
  const running = scene()
  const seeding = running.start()
  await seeding.attempted
  seeding.stop()
  running.full = false
  await running.clock.advance(600_000)
  assert.deepEqual([running.lines.length, running.written.length], [1, 0])
})
