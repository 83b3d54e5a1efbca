/** A process that appends to a journal as fast as it can and says what was accepted and started, until it is killed. For sqlite-journal.test.ts. */

import { systemClock } from '../../../src/model/clock.ts'
import { randomIds } from '../../../src/model/ids.ts'
import { openSqliteStores } from '../../../src/stores/sqlite/open.ts'

const [, , dataDir = ''] = process.argv
const ids = randomIds()
const { journal } = await openSqliteStores({
  dataDir,
  clock: systemClock,
  openNow: ['journal'],
  journalMaxEntries: 1_000_000,
})

async function append(): Promise<void> {
  for (;;) {
    const now = Date.now()
    const activationId = ids.activationId(now)
    await journal.append({ activationId, lane: 'own', acceptedAt: now, deadlineAt: now + 1000, payload: '{"call":1}' })
    process.stdout.write(`accepted ${activationId}\n`)
  }
}

async function start(): Promise<void> {
  for (;;) {
    for (const { activationId } of await journal.claim(2)) {
      await journal.markStarted(activationId)
      process.stdout.write(`started ${activationId}\n`)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

await Promise.all([...Array.from({ length: 16 }, () => append()), start()])
