/** The first call of a new action while a stem cell waits, beside a process that waits, evaluates the same code and answers. */

import type { Row } from './harness/row.ts'
import { ECHO, partsOf, startStave } from './harness/stave-server.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { interleave, median, percentile } from './harness/statistics.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'

/** With one alone, the next would be started at once, beside the init that is measured. */
const STEM_CELLS = 3
/** A waiting process has long finished its start when it is asked. */
const SETTLE_MS = 100

export const coldStem: Row = {
  name: 'cold-stem',
  about: 'first call of an action with a stem cell waiting, against a started process that evaluates code and answers',
  async measure(bench) {
    const server = await startStave(bench, { 'containers-stem-cells': `{"nodejs":${STEM_CELLS}}` })
    const calls: TimedCall[] = []
    const rounds = bench.amount(25, 8)
    bench.progress(`${rounds} new actions in turn with ${rounds} waiting processes`)
    const { bare, stave } = await interleave(rounds, {
      bare: async () => {
        const interpreter = await startInterpreter(bench)
        await settle()
        const startedAt = performance.now()
        await interpreter.firstAnswer(ECHO)
        const ms = performance.now() - startedAt
        await interpreter.stop()
        return ms
      },
      stave: async (round) => {
        const name = `new-${round}`
        await server.put(name)
        await server.stemCells(STEM_CELLS)
        await settle()
        const call = await server.call(name)
        if (call.start !== 'stem') throw new Error(`the call was a ${call.start} start although a stem cell waited`)
        calls.push(call)
        return call.ms
      },
    })
    return [
      {
        row: 'cold-stem',
        what: 'first call of a new action, p50',
        unit: 'ms',
        against: 'waiting process',
        limit: median(bare),
        measured: median(stave),
        budget: { type: 'added', atMost: 5 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(bare, 0.95) },
      },
    ]
  },
}

function settle(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS)
  })
}
