import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualWorld } from '../../test/simulation/virtual-world.ts'
import { mayTake, shareLeft } from './fair-share.ts'

/** What each of `parties` ends up with when all want as much as they can get, in turns of random order. */
function divided(bound: number, parties: number, turns: readonly number[]): number[] {
  const held: number[] = Array.from({ length: parties }, () => 0)
  const free = (): number => bound - held.reduce((sum, each) => sum + each, 0)
  for (const turn of turns) {
    const party = turn % parties
    const own = held[party] ?? 0
    if (free() > 0 && mayTake(own, free())) held[party] = own + 1
  }
  return held
}

test('one party gets four fifths, two four ninths each, and there is always room for another', () => {
  const often = Array.from({ length: 2000 }, (_, index) => index)
  assert.deepEqual(divided(100, 1, often), [80])
  assert.deepEqual(divided(90, 2, often), [40, 40])
  assert.deepEqual(divided(4, 1, often), [4])
})

test('who comes late has an equal part as soon as what the others hold has been given back once (property)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 500 }), fc.integer({ min: 2, max: 6 }), fc.nat(), (bound, parties, seed) => {
      const world = new VirtualWorld(seed)
      // The first came alone.
      const held = divided(
        bound,
        1,
        Array.from({ length: 2 * bound }, () => 0),
      )
      while (held.length < parties) held.push(0)
      const free = (): number => bound - held.reduce((sum, each) => sum + each, 0)
      for (let turn = 0; turn < 20 * bound; turn++) {
        const giving = Math.floor(world.random() * parties)
        if ((held[giving] ?? 0) > 0) held[giving] = (held[giving] ?? 0) - 1
        for (let asking = 0; asking < 2 * parties; asking++) {
          const party = Math.floor(world.random() * parties)
          if (free() > 0 && mayTake(held[party] ?? 0, free())) held[party] = (held[party] ?? 0) + 1
        }
      }
      const part = (bound * 4) / (1 + 4 * parties)
      for (const each of held) assert.ok(each >= part * 0.8 - 5 && each <= part * 1.2 + 5, `${held.join()} of ${bound}`)
    }),
    { numRuns: 30 },
  )
})

test('shareLeft is what mayTake allows one after the other (property)', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (held, free) => {
      let taken = 0
      while (free - taken > 0 && mayTake(held + taken, free - taken)) taken++
      assert.equal(shareLeft(held, free), taken)
    }),
  )
})
