/** The journal against a list: random operations, reopening included, must have the same outcome in both. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Journal } from '../../src/journal/journal.ts'
import { JournalFull } from '../../src/journal/journal.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import type { JournalPlace } from './journal.ts'
import { entryOf } from './journal.ts'

const BOUNDS = { maxEntries: 5, maxBytes: 80 }

interface Held {
  readonly index: number
  readonly bytes: number
  claimed: boolean
  started: boolean
  /** Characters of the note; undefined: there is none. */
  noted?: number
}

const index = fc.nat(8)
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('append' as const), index, bytes: fc.integer({ min: 0, max: 30 }) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('claim' as const), max: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('release' as const, 'start' as const, 'settle' as const), index }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('replace' as const),
      index,
      successors: fc.uniqueArray(index, { maxLength: 4 }),
      bytes: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('note' as const), index, bytes: fc.integer({ min: 0, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
)
type ModelOperation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

/** Runs random sequences, each in a place of its own. Rejects with fast-check's report of the shortest one that differs. */
export async function agreesWithModel(place: () => JournalPlace, runs = 8): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      const here = place()
      let journal = await here.open(BOUNDS)
      let model: Held[] = []
      try {
        for (const each of operations) {
          if (each.type === 'reopen') {
            await journal.close()
            journal = await here.open(BOUNDS)
            for (const held of model) held.claimed = false
          } else model = await apply(journal, model, each)
          const bytes = sizeOf(model)
          assert.deepEqual(journal.depth(), { entries: model.length, bytes })
        }
      } finally {
        await journal.close()
      }
    }),
    { numRuns: runs },
  )
}

/** Does the operation in both; returns the model after it. */
async function apply(
  journal: Journal,
  model: Held[],
  each: Exclude<ModelOperation, { type: 'reopen' }>,
): Promise<Held[]> {
  switch (each.type) {
    case 'append': {
      const append = journal.append(entryOf(each.index, 'x'.repeat(each.bytes)))
      const bytes = sizeOf(model) + each.bytes
      const known = model.some((held) => held.index === each.index)
      if (!known && (model.length >= BOUNDS.maxEntries || bytes > BOUNDS.maxBytes)) {
        await assert.rejects(append, JournalFull)
        return model
      }
      await append
      return known ? model : [...model, { index: each.index, bytes: each.bytes, claimed: false, started: false }]
    }
    case 'claim': {
      const due = model.filter((held) => !held.claimed).slice(0, each.max)
      const claimed = await journal.claim(each.max)
      assert.deepEqual(
        claimed.map(({ activationId, payload, cutOff, progress }) => [
          activationId,
          payload.length,
          cutOff,
          progress?.length,
        ]),
        due.map((held) => [idOf(held.index), held.bytes, held.started, held.noted]),
      )
      for (const held of due) held.claimed = true
      return model
    }
    case 'release': {
      await journal.release(idOf(each.index))
      for (const held of model) if (held.index === each.index) held.claimed = false
      return model
    }
    case 'start': {
      const held = model.find((other) => other.index === each.index)
      if (held === undefined) await assert.rejects(journal.markStarted(idOf(each.index)))
      else {
        await journal.markStarted(idOf(each.index))
        held.started = true
      }
      return model
    }
    case 'note': {
      const held = model.find((other) => other.index === each.index)
      const note = journal.note(idOf(each.index), 'n'.repeat(each.bytes))
      if (held === undefined) await assert.rejects(note)
      else {
        await note
        held.noted = each.bytes
      }
      return model
    }
    case 'settle':
      await journal.settle(idOf(each.index))
      return model.filter((held) => held.index !== each.index)
    case 'replace': {
      const own = model.find((held) => held.index === each.index)
      if (own?.claimed === false) return model
      const rest = model.filter((held) => held !== own)
      const fresh = each.successors.filter((successor) => !rest.some((held) => held.index === successor))
      const entries = fresh.map((successor) => entryOf(successor, 'x'.repeat(each.bytes)))
      const replace = journal.replace(idOf(each.index), entries)
      const bytes = sizeOf(rest) + each.bytes * fresh.length
      if (own !== undefined && (rest.length + fresh.length > BOUNDS.maxEntries || bytes > BOUNDS.maxBytes)) {
        await assert.rejects(replace, JournalFull)
        return model
      }
      await replace
      if (own === undefined) return model
      return [
        ...rest,
        ...fresh.map((successor) => ({ index: successor, bytes: each.bytes, claimed: false, started: false })),
      ]
    }
  }
}

function sizeOf(model: readonly Held[]): number {
  return model.reduce((sum, { bytes, noted = 0 }) => sum + bytes + noted, 0)
}

function idOf(index: number): ActivationId {
  return entryOf(index).activationId
}
