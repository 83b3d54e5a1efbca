/** What every `Journal` does, whatever it writes to. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { JournalFull } from '../../src/journal/journal.ts'
import type { Journal, JournalEntry } from '../../src/journal/journal.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import { agreesWithModel } from './journal-model.ts'

export interface JournalBounds {
  readonly maxEntries: number
  /** Bytes of all payloads. */
  readonly maxBytes: number
}

/** A place where a journal is kept: `open` gives what a new process would see after the last one is gone. */
export interface JournalPlace {
  open(bounds: JournalBounds): Promise<Journal>
}

export const WIDE: JournalBounds = { maxEntries: 10_000, maxBytes: 100_000_000 }

/** The entry number `index`. */
export function entryOf(index: number, payload = `{"call":${index}}`, lane = 'own'): JournalEntry {
  const activationId = index.toString(16).padStart(32, '0') as ActivationId
  return { activationId, lane, acceptedAt: 1000 + index, deadlineAt: 2000 + index, payload }
}

/** Declares the suite. `place` makes an empty place. */
export function describeJournal(name: string, place: () => JournalPlace): void {
  describe(`Journal ${name}`, () => {
    let here: JournalPlace
    let journal: Journal
    const idsOf = (entries: readonly JournalEntry[]): ActivationId[] => entries.map(({ activationId }) => activationId)
    const idOf = (index: number): ActivationId => entryOf(index).activationId
    const reopen = async (bounds = WIDE): Promise<void> => {
      await journal.close()
      journal = await here.open(bounds)
    }
    beforeEach(async () => {
      here = place()
      journal = await here.open(WIDE)
    })
    afterEach(() => journal.close())

    it('S4-54: hands out what was appended, oldest first, each once', async () => {
      for (const index of [1, 2, 3]) await journal.append(entryOf(index, `payload ${index} "ü\u0000"`))
      assert.deepEqual(await journal.claim(2), [
        { ...entryOf(1, 'payload 1 "ü\u0000"'), cutOff: false, progress: undefined },
        { ...entryOf(2, 'payload 2 "ü\u0000"'), cutOff: false, progress: undefined },
      ])
      assert.deepEqual(idsOf(await journal.claim(2)), [idOf(3)])
      assert.deepEqual(await journal.claim(2), [])
      await journal.append(entryOf(4))
      assert.deepEqual(await journal.claim(0), [])
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(4)])
    })

    it('appends an activation once, however often it is asked to', async () => {
      await Promise.all([journal.append(entryOf(1)), journal.append(entryOf(1)), journal.append(entryOf(1, 'other'))])
      await journal.append(entryOf(1))
      assert.deepEqual(journal.depth(), { entries: 1, bytes: entryOf(1).payload.length })
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(1)])
      assert.deepEqual(await journal.claim(9), [])
    })

    it('never hands an entry to two claims at once', async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => journal.append(entryOf(index))))
      const claims = await Promise.all(Array.from({ length: 20 }, () => journal.claim(4)))
      const claimed = claims.flatMap((entries) => idsOf(entries))
      assert.equal(claimed.length, 50)
      assert.equal(new Set(claimed).size, 50)
    })

    it('hands out an entry that was given back again, in its old place', async () => {
      for (const index of [1, 2, 3, 4]) await journal.append(entryOf(index))
      await journal.claim(3)
      await journal.release(idOf(3))
      await journal.release(idOf(1))
      await journal.release(idOf(1))
      await journal.release(idOf(4))
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(1), idOf(3), idOf(4)])
      await journal.release(idOf(2))
      await journal.settle(idOf(2))
      assert.deepEqual(await journal.claim(9), [])
    })

    it('S3-57: does not hand out a started entry again as one to be run', async () => {
      await journal.append(entryOf(1))
      await journal.claim(1)
      await journal.markStarted(idOf(1))
      await journal.release(idOf(1))
      assert.deepEqual(await journal.claim(1), [{ ...entryOf(1), cutOff: true, progress: undefined }])
    })

    it('S3-57: after reopening, what was not started is pending and what was started is cut off', async () => {
      for (const index of [1, 2, 3, 4, 5]) await journal.append(entryOf(index))
      await journal.claim(4)
      await journal.markStarted(idOf(2))
      await journal.markStarted(idOf(3))
      await journal.settle(idOf(3))
      await reopen()
      assert.deepEqual(journal.depth().entries, 4)
      const claimed = await journal.claim(9)
      assert.deepEqual(
        idsOf(claimed),
        [1, 2, 4, 5].map((index) => idOf(index)),
      )
      assert.deepEqual(
        claimed.map(({ cutOff }) => cutOff),
        [false, true, false, false],
      )
    })

    it('S4-78: hands out what was noted last with the entry, whoever claims it', async () => {
      for (const index of [1, 2, 3]) await journal.append(entryOf(index))
      await journal.claim(2)
      await journal.note(idOf(1), 'first')
      await journal.note(idOf(1), 'second "ü\u0000"')
      await journal.note(idOf(2), '')
      await journal.release(idOf(1))
      const noted = async (): Promise<unknown> => (await journal.claim(9)).map(({ progress }) => progress)
      assert.deepEqual(await noted(), ['second "ü\u0000"', undefined])
      await reopen()
      assert.deepEqual(await noted(), ['second "ü\u0000"', '', undefined])
      await assert.rejects(journal.note(idOf(4), 'unknown'))
    })

    it('S4-78: a note counts while its entry is there, and is taken whatever the bound', async () => {
      await reopen({ maxEntries: 10, maxBytes: 60 })
      await journal.append(entryOf(1, 'x'.repeat(50)))
      await journal.claim(1)
      await journal.note(idOf(1), 'ü'.repeat(100))
      assert.deepEqual(journal.depth(), { entries: 1, bytes: 250 })
      await journal.note(idOf(1), 'y'.repeat(20))
      assert.deepEqual(journal.depth(), { entries: 1, bytes: 70 })
      await assert.rejects(journal.append(entryOf(2, 'z')), JournalFull)
      await reopen({ maxEntries: 10, maxBytes: 60 })
      assert.deepEqual(journal.depth(), { entries: 1, bytes: 70 })
      await journal.settle(idOf(1))
      assert.deepEqual(journal.depth(), { entries: 0, bytes: 0 })
      await journal.append(entryOf(1, 'again'))
      assert.deepEqual(await journal.claim(1), [{ ...entryOf(1, 'again'), cutOff: false, progress: undefined }])
    })

    it('hands out what is appended after everything before was settled, also after reopening', async () => {
      await journal.append(entryOf(1))
      await journal.claim(1)
      await journal.settle(idOf(1))
      await journal.append(entryOf(2))
      assert.deepEqual(idsOf(await journal.claim(1)), [idOf(2)])
      await journal.settle(idOf(2))
      await reopen()
      await journal.append(entryOf(3))
      assert.deepEqual(idsOf(await journal.claim(1)), [idOf(3)])
    })

    it('settles an entry in any state, and again', async () => {
      await journal.append(entryOf(1))
      await journal.settle(idOf(1))
      await journal.settle(idOf(1))
      await journal.settle(idOf(2))
      assert.deepEqual(journal.depth(), { entries: 0, bytes: 0 })
      assert.deepEqual(await journal.claim(9), [])
      await assert.rejects(journal.markStarted(idOf(1)))
    })

    it('replaces an entry by others, after which it is gone and they are the newest', async () => {
      for (const index of [1, 2]) await journal.append(entryOf(index))
      await journal.claim(1)
      await journal.replace(idOf(1), [entryOf(11), entryOf(12)])
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(2), idOf(11), idOf(12)])
      await assert.rejects(journal.markStarted(idOf(1)))
      await reopen()
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(2), idOf(11), idOf(12)])
    })

    it('replaces an entry once: what came of it is not written again', async () => {
      await journal.append(entryOf(1))
      await journal.claim(1)
      const both = [journal.replace(idOf(1), [entryOf(11)]), journal.replace(idOf(1), [entryOf(12)])]
      await Promise.all(both)
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(11)])
      await journal.settle(idOf(11))
      await journal.replace(idOf(1), [entryOf(11)])
      assert.deepEqual(await journal.claim(9), [])
      assert.deepEqual(journal.depth(), { entries: 0, bytes: 0 })
    })

    it('replaces an entry by one of the same id, which has not been started', async () => {
      await journal.append(entryOf(1))
      await journal.claim(1)
      await journal.markStarted(idOf(1))
      await journal.replace(idOf(1), [entryOf(1, 'then')])
      assert.deepEqual(await journal.claim(9), [{ ...entryOf(1, 'then'), cutOff: false, progress: undefined }])
      await journal.replace(idOf(1), [])
      assert.deepEqual(journal.depth(), { entries: 0, bytes: 0 })
    })

    it('S4-54: keeps an entry whose replacement does not fit', async () => {
      await reopen({ maxEntries: 3, maxBytes: 100 })
      for (const index of [1, 2]) await journal.append(entryOf(index, 'x'.repeat(30)))
      await journal.claim(1)
      const three = [11, 12, 13].map((index) => entryOf(index, ''))
      await assert.rejects(journal.replace(idOf(1), three), JournalFull)
      await assert.rejects(journal.replace(idOf(1), [entryOf(11, 'x'.repeat(71))]), JournalFull)
      assert.deepEqual(journal.depth(), { entries: 2, bytes: 60 })
      await journal.replace(idOf(1), [entryOf(11, 'x'.repeat(70)), entryOf(12, '')])
      assert.deepEqual(journal.depth(), { entries: 3, bytes: 100 })
      await journal.replace(idOf(1), three)
      await reopen()
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(2), idOf(11), idOf(12)])
    })

    it('S4-54: refuses more entries than its bound, and takes them again when some are settled', async () => {
      await reopen({ maxEntries: 3, maxBytes: 1000 })
      const outcomes = await Promise.allSettled(Array.from({ length: 6 }, (_, index) => journal.append(entryOf(index))))
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      assert.equal(refused.length, 3)
      for (const { reason } of refused) assert.ok(reason instanceof JournalFull)
      await journal.append(entryOf(0))
      assert.equal(journal.depth().entries, 3)
      await journal.settle(idOf(1))
      await journal.append(entryOf(7))
      await assert.rejects(journal.append(entryOf(8)), JournalFull)
    })

    it('S4-54: refuses more bytes than its bound', async () => {
      await reopen({ maxEntries: 100, maxBytes: 100 })
      await journal.append(entryOf(1, 'ü'.repeat(30)))
      await assert.rejects(journal.append(entryOf(2, 'x'.repeat(41))), JournalFull)
      await journal.append(entryOf(3, 'x'.repeat(40)))
      assert.deepEqual(journal.depth(), { entries: 2, bytes: 100 })
      await reopen({ maxEntries: 100, maxBytes: 100 })
      assert.deepEqual(journal.depth(), { entries: 2, bytes: 100 })
      await assert.rejects(journal.append(entryOf(4, 'x')), JournalFull)
    })

    it('counts appends under way', async () => {
      const appends = [1, 2, 3].map((index) => journal.append(entryOf(index, 'four')))
      await new Promise((resolve) => setImmediate(resolve))
      const { entries } = journal.depth()
      assert.ok(entries === 3, `${entries} entries`)
      await Promise.all(appends)
      assert.deepEqual(journal.depth(), { entries: 3, bytes: 12 })
    })

    it('agrees with a model after any sequence of operations', () => agreesWithModel(place))

    it('S4-59: lanes take turns, each oldest first, also after reopening', async () => {
      for (let index = 1; index <= 6; index++) await journal.append(entryOf(index, '', 'long'))
      await journal.append(entryOf(11, '', 'short'))
      await journal.append(entryOf(21, '', 'late'))
      await reopen()
      assert.deepEqual(idsOf(await journal.claim(4)), [idOf(1), idOf(11), idOf(21), idOf(2)])
      await journal.append(entryOf(12, '', 'short'))
      await journal.release(idOf(1))
      assert.deepEqual(idsOf(await journal.claim(3)), [idOf(1), idOf(12), idOf(3)])
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(4), idOf(5), idOf(6)])
    })

    it('S4-59: hands out no more of a lane than there is room for', async () => {
      for (let index = 1; index <= 4; index++) await journal.append(entryOf(index, '', 'one'))
      for (let index = 11; index <= 13; index++) await journal.append(entryOf(index, '', 'other'))
      const room = (lane: string): number => (lane === 'one' ? 1 : 0)
      assert.deepEqual(idsOf(await journal.claim(9, room)), [idOf(1)])
      assert.deepEqual(await journal.claim(9, () => 0), [])
      assert.deepEqual(
        idsOf(await journal.claim(9, (lane) => (lane === 'one' ? 2 : 3))).toSorted(),
        [2, 3, 11, 12, 13].map((index) => idOf(index)),
      )
      assert.deepEqual(idsOf(await journal.claim(9)), [idOf(4)])
    })

    it('goes on to others where all that were next have been settled', async () => {
      for (let index = 1; index <= 5; index++) await journal.append(entryOf(index))
      for (let index = 1; index <= 4; index++) await journal.settle(idOf(index))
      assert.deepEqual(idsOf(await journal.claim(2)), [idOf(5)])
    })

    it('tells what a lane holds', async () => {
      await journal.append(entryOf(1, 'four', 'one'))
      await journal.append(entryOf(2, 'four', 'one'))
      await journal.append(entryOf(3, 'sixsix', 'other'))
      assert.deepEqual(journal.depthOf('one'), { entries: 2, bytes: 8 })
      assert.deepEqual(journal.depthOf('other'), { entries: 1, bytes: 6 })
      await journal.claim(9)
      await journal.replace(idOf(1), [entryOf(4, 'x', 'other')])
      await reopen()
      assert.deepEqual(journal.depthOf('one'), { entries: 1, bytes: 4 })
      assert.deepEqual(journal.depthOf('other'), { entries: 2, bytes: 7 })
      for (const index of [2, 3, 4]) await journal.settle(idOf(index))
      assert.deepEqual(journal.depthOf('other'), { entries: 0, bytes: 0 })
      assert.deepEqual(journal.depth(), { entries: 0, bytes: 0 })
    })

    it('answers the probe', () => journal.probe())
  })
}
