/** Warm blocking calls from the socket to an action in its own sandboxed process and back, beside an HTTP server that does nothing else. */

import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import { startStave } from './harness/stave-server.ts'
import type { LoadTarget } from './harness/stave-server.ts'
import { interleave, median, pairedDifference, pairedRatio } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import { startPeers } from './limits/peers.ts'
import { startEcho, startPipe } from './limits/start-limit.ts'
import type { LoadResult } from './load/load-plan.ts'
import { runCleanLoad } from './load/run-load.ts'

const OTHERS: Readonly<Record<string, string>> = {
  overlapping: '16 runs at a time in a container',
  record: 'the whole activation record in the answer',
  pipe: 'not Stave: HTTP, a pipe, a child',
}

export const warm: Row = {
  name: 'warm',
  about: 'warm blocking calls over 1 and 16 connections, against a bare node:http JSON echo server',
  async measure(bench) {
    const server = await startStave(bench)
    await server.put('echo')
    await server.put('overlapping', { concurrency: 16 })
    const { target: echo } = await startEcho(bench)
    const { target: pipe } = await startPipe(bench)
    const peers = bench.options.peers === undefined ? {} : await startPeers(bench, bench.options.peers)
    const both = { echo, stave: server.target(['echo']), pipe, ...peers }
    const more = { ...both, overlapping: server.target(['overlapping']), record: server.target(['echo'], true) }
    bench.progress('everybody is warmed up')
    for (const target of Object.values(more)) {
      await runCleanLoad(bench, target, { connections: 16, warmMs: 0, durationMs: bench.amount(2500, 1000) })
    }
    return [...(await measureWith(bench, both, 1)), ...(await measureWith(bench, more, 16))]
  },
}

async function measureWith(
  bench: Workbench,
  targets: Readonly<Record<'echo' | 'stave', LoadTarget>>,
  connections: number,
): Promise<readonly Finding[]> {
  const shape = { connections, warmMs: 250, durationMs: bench.amount(1000, 500) }
  const contenders = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, () => runCleanLoad(bench, target, shape)]),
  )
  bench.progress(`${Object.keys(contenders).join(', ')} in turn, ${connections} connection(s)`)
  const { echo = [], stave = [], ...others } = await interleave(bench.amount(5, 2), contenders)
  const plural = connections === 1 ? '1 connection' : `${connections} connections`
  const finding = (what: string, results: readonly LoadResult[]): Finding => ({
    row: 'warm',
    what: `${what}, ${plural}`,
    unit: 'calls/s',
    against: 'echo server',
    limit: median(rate(echo)),
    measured: median(rate(results)),
    compared: pairedRatio(rate(echo), rate(results)),
    detail: { p50ms: median(results.map(({ p50 }) => p50)), p99ms: median(tail(results)) },
  })
  return [
    { ...finding('one run at a time in a container', stave), budget: { type: 'share', atLeast: 0.4 } },
    {
      row: 'warm',
      what: `p99, ${plural}`,
      unit: 'ms',
      against: 'echo server',
      limit: median(tail(echo)),
      measured: median(tail(stave)),
      compared: pairedDifference(tail(echo), tail(stave)),
      budget: { type: 'added', atMost: 3 },
    },
    ...Object.entries(others).map(([name, results]) => finding(OTHERS[name] ?? `not Stave: ${name}`, results)),
  ]
}

function rate(results: readonly LoadResult[]): number[] {
  return results.map(({ requestsPerSecond }) => requestsPerSecond)
}

function tail(results: readonly LoadResult[]): number[] {
  return results.map(({ p99 }) => p99)
}
