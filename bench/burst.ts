/** 200 calls at once to an action that has no container: how many containers that makes, in how many decisions, and that all are answered. */

import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import { startStave } from './harness/stave-server.ts'
import type { StaveServer } from './harness/stave-server.ts'
import { median } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import { failuresOf } from './load/load-plan.ts'
import { runLoad } from './load/run-load.ts'

const CALLS = 200
const CONCURRENCIES = [1, 10]
/** Containers that a decision ordered but that are not there yet are waited for. */
const SETTLE_MS = 500

export const burst: Row = {
  name: 'burst',
  about: `${CALLS} parallel calls to an action at zero: no error, few containers, one decision`,
  async measure(bench) {
    const server = await startStave(bench, {
      'containers-stem-cells': '{}',
      'containers-memory-mb': String(CALLS * 128 + 1024),
    })
    const findings: Finding[] = []
    for (const concurrency of CONCURRENCIES) findings.push(...(await measureWith(bench, server, concurrency)))
    return findings
  },
}

async function measureWith(bench: Workbench, server: StaveServer, concurrency: number): Promise<readonly Finding[]> {
  const rounds: { errors: number; containers: number; decisions: number; ms: number; p50: number }[] = []
  for (let round = 0; round < bench.amount(3, 1); round++) {
    const name = `burst-${concurrency}-${round}`
    await server.put(name, { concurrency, memoryMb: 128 })
    bench.progress(`${CALLS} calls at once, ${concurrency} at a time in a container`)
    const before = await server.counter('stave_pool_events_total', 'demandDecisions')
    const shape = { connections: CALLS, calls: CALLS, warmMs: 0, durationMs: 60_000 }
    const result = await runLoad(bench, server.target([name]), shape)
    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_MS)
    })
    const after = await server.counter('stave_pool_events_total', 'demandDecisions')
    const containers = (await server.containers()).filter(({ actionKey }) => actionKey?.includes(`/${name}@`) === true)
    rounds.push({
      errors: failuresOf(result) + CALLS - result.requests,
      containers: containers.length,
      decisions: after - before,
      ms: result.seconds * 1000,
      p50: result.p50,
    })
  }
  const worst = (key: 'errors' | 'containers' | 'decisions'): number => Math.max(...rounds.map((round) => round[key]))
  const at = `concurrency ${concurrency}`
  const finding = { row: 'burst', detail: { rounds: rounds.length } }
  return [
    { ...finding, what: `${at}: errors`, unit: 'calls', measured: worst('errors'), budget: { type: 'most', value: 0 } },
    {
      ...finding,
      what: `${at}: containers`,
      unit: 'containers',
      measured: worst('containers'),
      budget: { type: 'most', value: Math.ceil(CALLS / concurrency) },
    },
    {
      ...finding,
      what: `${at}: demand decisions`,
      unit: 'decisions',
      measured: worst('decisions'),
      budget: { type: 'most', value: 1 },
    },
    {
      ...finding,
      what: `${at}: until all were answered`,
      unit: 'ms',
      measured: median(rounds.map(({ ms }) => ms)),
      detail: { p50ms: median(rounds.map(({ p50 }) => p50)) },
    },
  ]
}
