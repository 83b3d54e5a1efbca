import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Waiting } from './lanes.ts'
import { Lanes } from './lanes.ts'

const waiting = fc.record({ lane: fc.constantFrom('a', 'b', 'c', 'd'), seq: fc.nat(10_000) })
const all = (): number => Infinity

/** Lanes that hold `entries`, and what each of them holds in ascending order. */
function filled(entries: readonly Waiting[]): { lanes: Lanes; held: Map<string, number[]> } {
  const lanes = new Lanes()
  const held = new Map<string, number[]>()
  for (const each of entries) {
    lanes.add(each)
    held.set(
      each.lane,
      [...(held.get(each.lane) ?? []), each.seq].toSorted((one, other) => one - other),
    )
  }
  return { lanes, held }
}

const seqsOf = (taken: readonly Waiting[], lane: string): number[] =>
  taken.filter((each) => each.lane === lane).map(({ seq }) => seq)

test('S4-59: every lane gives its oldest, and none gives two more than another that has more (property)', () => {
  fc.assert(
    fc.property(fc.uniqueArray(waiting, { selector: ({ seq }) => seq }), fc.nat(60), (entries, max) => {
      const { lanes, held } = filled(entries)
      const taken = lanes.take(max, all)
      assert.equal(taken.length, Math.min(max, entries.length))
      for (const [lane, seqs] of held) {
        const own = seqsOf(taken, lane)
        assert.deepEqual(own, seqs.slice(0, own.length))
        const most = Math.max(...[...held.keys()].map((other) => seqsOf(taken, other).length))
        if (own.length < seqs.length) assert.ok(own.length >= most - 1)
      }
      assert.equal(lanes.take(Infinity, all).length, entries.length - taken.length)
    }),
  )
})

test('room bounds each lane, and whoever has none keeps its turn (property)', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(waiting, { selector: ({ seq }) => seq }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: -1, max: 3 })),
      (entries, rooms) => {
        const { lanes, held } = filled(entries)
        const taken = lanes.take(Infinity, (lane) => rooms[lane] ?? 0)
        for (const [lane, seqs] of held) {
          assert.equal(seqsOf(taken, lane).length, Math.min(seqs.length, Math.max(0, rooms[lane] ?? 0)))
        }
      },
    ),
  )
})

test('what is put back is next in its lane', () => {
  const lanes = new Lanes()
  for (let seq = 1; seq <= 5000; seq++) lanes.add({ lane: 'a', seq })
  const taken = lanes.take(3000, all)
  for (const each of [taken[7], taken[2]]) if (each !== undefined) lanes.add(each)
  assert.deepEqual(seqsOf(lanes.take(3, all), 'a'), [3, 8, 3001])
})

test('one after the other, a lane of ten thousand and one of one', () => {
  const lanes = new Lanes()
  for (let seq = 1; seq <= 10_000; seq++) lanes.add({ lane: 'long', seq })
  lanes.take(10, all)
  lanes.add({ lane: 'short', seq: 10_001 })
  assert.ok(seqsOf(lanes.take(2, all), 'short').length === 1)
})
