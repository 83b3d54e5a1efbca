/** The first call of a new action where nothing was started for it, beside a sandboxed interpreter that is spawned and asked directly. */

import type { Row } from './harness/row.ts'
import { ECHO, partsOf, startStave } from './harness/stave-server.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { interleave, median, percentile } from './harness/statistics.ts'
import type { SandboxLevel } from '../src/containers/process/settings.ts'
import type { Workbench } from './harness/workbench.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'

export const coldProcess: Row = {
  name: 'cold-process',
  about: 'first call of an action without a stem cell, against spawning a sandboxed interpreter until it answers',
  async measure(bench) {
    const server = await startStave(bench, { 'containers-stem-cells': '{}' })
    const calls: TimedCall[] = []
    const rounds = bench.amount(25, 8)
    bench.progress(`${rounds} new actions in turn with ${rounds} interpreters (${server.level})`)
    const { bare, plain, stave } = await interleave(rounds, {
      bare: () => coldStartOf(bench, server.level),
      plain: () => coldStartOf(bench, 'none'),
      stave: async (round) => {
        const name = `new-${round}`
        await server.put(name)
        const call = await server.call(name)
        if (call.start !== 'cold') throw new Error(`the call was a ${call.start} start although nothing waited`)
        calls.push(call)
        return call.ms
      },
    })
    const finding = { row: 'cold-process', unit: 'ms', measured: median(stave) }
    return [
      {
        ...finding,
        what: 'first call of a new action, p50',
        against: `interpreter by ${server.level}`,
        limit: median(bare),
        budget: { type: 'added', atMost: 10 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(bare, 0.95) },
      },
      { ...finding, what: 'the same', against: 'interpreter without a sandbox', limit: median(plain) },
    ]
  },
}

/** ms from nothing to the first answer of an interpreter. */
async function coldStartOf(bench: Workbench, level: SandboxLevel): Promise<number> {
  const startedAt = performance.now()
  const interpreter = await startInterpreter(bench, level)
  await interpreter.firstAnswer(ECHO)
  const ms = performance.now() - startedAt
  await interpreter.stop()
  return ms
}
