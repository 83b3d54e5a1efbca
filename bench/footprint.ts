/** The platform's own process: memory when it idles and after 100,000 calls, and the time from its start until it answers. */

import { setTimeout as delay } from 'node:timers/promises'
import { statusMb } from './harness/machine.ts'
import type { Row } from './harness/row.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median } from './harness/statistics.ts'
import { startEcho } from './limits/start-limit.ts'
import { runCleanLoad } from './load/run-load.ts'

const CALLS = 100_000
const IDLE_MS = 3000

export const footprint: Row = {
  name: 'footprint',
  about: 'resident memory of the platform process, idle and after many calls; time from its start to its first answer',
  async measure(bench) {
    bench.progress('starts of the server in turn with starts of the echo server')
    // Not measured: it compiles what has changed since the last start on this machine.
    const first = await startStave(bench)
    await first.stop()
    const { echo, starts } = await interleave(bench.amount(5, 2), {
      echo: async () => (await startEcho(bench)).readyMs,
      starts: async () => {
        const server = await startStave(bench)
        await server.stop()
        return server.readyMs
      },
    })
    const server = await startStave(bench)
    await delay(IDLE_MS)
    const idle = statusMb(server.pid, 'VmRSS')
    await server.put('echo', { concurrency: 16 })
    await server.call('echo')
    const calls = bench.amount(CALLS, CALLS / 5)
    bench.progress(`${calls} calls`)
    const shape = { connections: 16, calls, warmMs: 0, durationMs: 120_000 }
    await runCleanLoad(bench, server.target(['echo']), shape)
    await delay(IDLE_MS)
    const after = statusMb(server.pid, 'VmRSS')
    const peak = statusMb(server.pid, 'VmHWM')
    const finding = { row: 'footprint', unit: 'MB' }
    return [
      { ...finding, what: 'resident, idle', measured: idle, budget: { type: 'most', value: 100 } },
      {
        ...finding,
        what: `resident after ${calls} calls`,
        measured: after,
        budget: { type: 'most', value: 200 },
        detail: { peakMb: peak },
      },
      {
        row: 'footprint',
        what: 'from the start to the first answer',
        unit: 'ms',
        against: 'echo server',
        limit: median(echo),
        measured: median(starts),
        budget: { type: 'most', value: 1000 },
        detail: { firstStartMs: first.readyMs },
      },
    ]
  },
}
