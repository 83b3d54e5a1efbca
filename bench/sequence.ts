/** A sequence of ten warm actions that do nothing, beside a warm call of one of them: what the nine HTTP calls are worth that its caller does not make. */

import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import { startStave } from './harness/stave-server.ts'
import type { LoadTarget } from './harness/stave-server.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { LoadResult } from './load/load-plan.ts'
import { runCleanLoad } from './load/run-load.ts'

const STEPS = 10

export const sequence: Row = {
  name: 'sequence',
  about: `a sequence of ${STEPS} actions that do nothing, against a call of one`,
  async measure(bench) {
    const server = await startStave(bench, { 'containers-pause-grace-ms': '600000' })
    const steps = Array.from({ length: STEPS }, (_, index) => `step-${index}`)
    for (const name of steps) await server.put(name)
    const components = { different: steps, same: steps.map(() => 'step-0') }
    for (const [name, names] of Object.entries(components)) {
      const exec = { kind: 'sequence', components: names.map((step) => `/_/${step}`) }
      await server.send('PUT', `/actions/${name}`, { exec })
    }
    const targets: Readonly<Record<'one' | 'different' | 'same' | 'calls', LoadTarget>> = {
      one: server.target(['step-0']),
      different: server.target(['different']),
      same: server.target(['same']),
      calls: server.target(steps),
    }
    bench.progress('everybody is warmed up')
    for (const target of Object.values(targets)) {
      await runCleanLoad(bench, target, { connections: 1, warmMs: 0, durationMs: bench.amount(3000, 1500) })
    }
    bench.progress('one call, sequences and ten calls in turn')
    const run = (name: keyof typeof targets) => () =>
      runCleanLoad(bench, targets[name], { connections: 1, warmMs: 250, durationMs: bench.amount(1500, 700) })
    const { one, different, same, calls } = await interleave(bench.amount(7, 3), {
      one: run('one'),
      different: run('different'),
      same: run('same'),
      calls: run('calls'),
    })
    const finding = (what: string, times: readonly number[]): Finding => ({
      row: 'sequence',
      what,
      unit: 'ms',
      against: 'one warm call',
      limit: median(msOf(one)),
      measured: median(times),
      compared: pairedRatio(msOf(one), times),
    })
    return [
      { ...finding(`${STEPS} different actions`, msOf(different)), budget: { type: 'factor', atMost: 6 } },
      { ...finding(`one action ${STEPS} times`, msOf(same)), budget: { type: 'factor', atMost: 6 } },
      finding(
        `${STEPS} calls of the different actions instead`,
        msOf(calls).map((ms) => ms * STEPS),
      ),
    ]
  },
}

/** Mean time of a call in each round: over one connection, one call follows the other. */
function msOf(results: readonly LoadResult[]): number[] {
  return results.map(({ requestsPerSecond }) => 1000 / requestsPerSecond)
}
