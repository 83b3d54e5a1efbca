/**
 * Calls of 100 actions in turn, each with a warm container of its own, beside calls of one. A hundred processes share the caches of the processor: how
 * much of the rate that alone takes is told by the same with bare interpreters on pipes.
 */

import type { Row } from './harness/row.ts'
import { ECHO, startStave } from './harness/stave-server.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { BareInterpreter } from './limits/bare-interpreter.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'
import type { LoadResult } from './load/load-plan.ts'
import { BODY, runCleanLoad } from './load/run-load.ts'

const ACTIONS = 100
const MEMORY_MB = 128

export const rotation: Row = {
  name: 'rotation',
  about: `${ACTIONS} actions in rotation, all warm, against one action`,
  async measure(bench) {
    const server = await startStave(bench, {
      'containers-stem-cells': '{}',
      // What is shared out is a number: the processes take a tenth of it.
      'containers-memory-mb': String((ACTIONS + 8) * MEMORY_MB),
      'containers-pause-grace-ms': '600000',
    })
    const names = Array.from({ length: ACTIONS }, (_, index) => `action-${index}`)
    bench.progress(`${ACTIONS} actions get a container each`)
    for (const name of names) await server.put(name, { memoryMb: MEMORY_MB })
    for (const name of names) await server.call(name)
    // A process compiles what it has run often: each of the hundred gets its calls before the clock runs.
    const warmUp = { connections: 4, calls: ACTIONS * bench.amount(300, 50), warmMs: 0, durationMs: 60_000 }
    await runCleanLoad(bench, server.target(names), warmUp)
    const interpreters = await Promise.all(names.map(() => startInterpreter(bench)))
    for (const interpreter of interpreters) await interpreter.firstAnswer(ECHO)

    const durationMs = bench.amount(1500, 600)
    const shape = { connections: 1, warmMs: 300, durationMs }
    bench.progress('calls and bare exchanges in turn')
    const { one, all } = await interleave(bench.amount(5, 2), {
      one: () => runCleanLoad(bench, server.target(['action-0']), shape),
      all: () => runCleanLoad(bench, server.target(names), shape),
    })
    const bare = await interleave(bench.amount(5, 2), {
      one: () => exchangeRate(interpreters.slice(0, 1), durationMs / 2),
      all: () => exchangeRate(interpreters, durationMs / 2),
    })
    return [
      {
        row: 'rotation',
        what: `${ACTIONS} actions, all warm`,
        unit: 'calls/s',
        against: '1 action',
        limit: median(ratesOf(one)),
        measured: median(ratesOf(all)),
        compared: pairedRatio(ratesOf(one), ratesOf(all)),
        budget: { type: 'share', atLeast: 0.8 },
        detail: { p99ms: median(all.map(({ p99 }) => p99)), limitP99ms: median(one.map(({ p99 }) => p99)) },
      },
      {
        row: 'rotation',
        what: `${ACTIONS} bare interpreters on pipes`,
        unit: 'exchanges/s',
        against: '1 bare interpreter',
        limit: median(bare.one),
        measured: median(bare.all),
        compared: pairedRatio(bare.one, bare.all),
      },
    ]
  },
}

function ratesOf(results: readonly LoadResult[]): number[] {
  return results.map(({ requestsPerSecond }) => requestsPerSecond)
}

/** Exchanges a second with the interpreters in turn, one at a time. */
async function exchangeRate(interpreters: readonly BareInterpreter[], durationMs: number): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < durationMs) {
    await interpreters[count % interpreters.length]?.exchange(BODY)
    count++
  }
  return count / ((performance.now() - startedAt) / 1000)
}
