/** The first calls of 20 new actions, all at once, with the stem cells that a server has by default. */

import type { Row } from './harness/row.ts'
import { ECHO, startStave } from './harness/stave-server.ts'
import { interleave, median } from './harness/statistics.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'

const ACTIONS = 20
const MEMORY_MB = 128
const ROUNDS = 5
/** When no stem cell was added for so long, all that are to be there are. */
const REFILLED_MS = 1000

export const newActions: Row = {
  name: 'new-actions',
  about: `first calls of ${ACTIONS} new actions at once, against as many interpreters started at once`,
  async measure(bench) {
    // What is shared out is a number. Actions of earlier rounds keep their containers, and the stem cells' share is a part of the whole.
    const memoryMb = String(4 * ROUNDS * ACTIONS * MEMORY_MB)
    const server = await startStave(bench, { 'containers-memory-mb': memoryMb })
    const rounds = bench.amount(ROUNDS, 2)
    bench.progress(`${rounds} times ${ACTIONS} new actions at once`)
    const everyIndex = Array.from({ length: ACTIONS }, (_, index) => index)
    const { bare, stave } = await interleave(rounds, {
      bare: async () => {
        const startedAt = performance.now()
        const times = everyIndex.map(async () => {
          const interpreter = await startInterpreter(bench, server.level)
          await interpreter.firstAnswer(ECHO)
          return { ms: performance.now() - startedAt, interpreter }
        })
        const started = await Promise.all(times)
        await Promise.all(started.map(({ interpreter }) => interpreter.stop()))
        return started.map(({ ms }) => ms)
      },
      stave: async (round) => {
        const names = everyIndex.map((index) => `new-${round}-${index}`)
        for (const name of names) await server.put(name, { memoryMb: MEMORY_MB })
        await server.stemCells(1, REFILLED_MS)
        const calls = await Promise.all(names.map((name) => server.call(name)))
        return calls.map(({ ms }) => ms)
      },
    })
    const finding = { row: 'new-actions', unit: 'ms', against: `${ACTIONS} interpreters at once` }
    return [
      {
        ...finding,
        what: 'p50',
        limit: middle(bare),
        measured: middle(stave),
        budget: { type: 'most', value: 100 },
      },
      { ...finding, what: 'the last of them', limit: last(bare), measured: last(stave) },
    ]
  },
}

/** Median over the rounds of each round's median. */
function middle(rounds: readonly (readonly number[])[]): number {
  return median(rounds.map((times) => median(times)))
}

/** Median over the rounds of each round's longest time. */
function last(rounds: readonly (readonly number[])[]): number {
  return median(rounds.map((times) => Math.max(...times)))
}
