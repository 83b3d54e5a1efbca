/** Calls of 100 actions in turn through a pool with room for 20: every call needs a container that was removed, and somebody's container in exchange. */

import type { Row } from './harness/row.ts'
import { ECHO, startStave } from './harness/stave-server.ts'
import type { Workbench } from './harness/workbench.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'
import type { SandboxLevel } from '../src/containers/process/settings.ts'
import type { LoadResult } from './load/load-plan.ts'
import { failuresOf } from './load/load-plan.ts'
import { runLoad } from './load/run-load.ts'

const ACTIONS = 100
const ROOM = 20
const MEMORY_MB = 128
const CONNECTIONS = 4

export const rotationEvict: Row = {
  name: 'rotation-evict',
  about: `${ACTIONS} actions in rotation through a pool with room for ${ROOM}: no error, no collapse`,
  async measure(bench) {
    const server = await startStave(bench, {
      'containers-stem-cells': '{}',
      'containers-memory-mb': String(ROOM * MEMORY_MB),
      'limits-memory-max': '512',
      'containers-pause-grace-ms': '100',
    })
    const names = Array.from({ length: ACTIONS }, (_, index) => `action-${index}`)
    for (const name of names) await server.put(name, { memoryMb: MEMORY_MB })
    const durationMs = bench.amount(12_000, 4000)
    bench.progress(`${CONNECTIONS} connections for ${durationMs / 1000} s`)
    const before = await server.counter('stave_pool_events_total', 'evictions')
    const result = await runLoad(bench, server.target(names), { connections: CONNECTIONS, warmMs: 2000, durationMs })
    const evictions = (await server.counter('stave_pool_events_total', 'evictions')) - before
    const present = (await server.containers()).length
    await server.stop()
    bench.progress('as many interpreters, started and ended')
    const bare = await startRate(bench, server.level, durationMs / 3)
    return [
      {
        row: 'rotation-evict',
        what: 'failed calls',
        unit: 'calls',
        measured: failuresOf(result),
        budget: { type: 'most', value: 0 },
        detail: { calls: result.requests, evictions, present, ...result.failures },
      },
      {
        row: 'rotation-evict',
        what: 'last third of the time against the first',
        unit: 'calls/s',
        against: 'first third',
        ...thirds(result),
        budget: { type: 'share', atLeast: 0.7 },
      },
      {
        row: 'rotation-evict',
        what: 'calls, each of which moves a container',
        unit: 'calls/s',
        against: 'interpreters started and ended',
        limit: bare,
        measured: result.requestsPerSecond,
        detail: { p50ms: result.p50, p99ms: result.p99, maxMs: result.max },
      },
    ]
  },
}

function thirds({ perSecond }: LoadResult): { readonly limit: number; readonly measured: number } {
  const third = Math.max(1, Math.floor(perSecond.length / 3))
  const mean = (seconds: readonly number[]): number => seconds.reduce((sum, count) => sum + count, 0) / third
  return { limit: mean(perSecond.slice(0, third)), measured: mean(perSecond.slice(-third)) }
}

/** Sandboxed interpreters a second that can be started, used once and ended, as many at a time as there are connections. */
async function startRate(bench: Workbench, level: SandboxLevel, durationMs: number): Promise<number> {
  const startedAt = performance.now()
  let count = 0
  const loop = async (): Promise<void> => {
    while (performance.now() - startedAt < durationMs) {
      const interpreter = await startInterpreter(bench, level)
      await interpreter.firstAnswer(ECHO)
      await interpreter.stop()
      count++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, loop))
  return count / ((performance.now() - startedAt) / 1000)
}
