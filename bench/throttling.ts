/**
 * What it costs a warm call that calls are limited: the same router, in the same process, with its limits and without, in turn. Processor time and not the
 * clock's, because two in a hundred is less than the clock of a shared machine wavers by, and less than two processes of one program differ.
 */

import { identityFixture } from '../test/action-fixture.ts'
import { localLimits } from '../src/router/admission.ts'
import { appendRateLimit } from '../src/router/quota.ts'
import { WINDOW_MS } from '../src/router/rate-window.ts'
import type { Row } from './harness/row.ts'
import { microseconds } from './harness/microseconds.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import type { BareRouter } from './limits/start-router.ts'
import { startRouter } from './limits/start-router.ts'
import { runCleanLoad } from './load/run-load.ts'

const CONNECTIONS = 16
/** Between two calls, for the limits by themselves: the window holds six times as many as the strictest server lets anybody make. */
const CALL_MS = 0.1
const ROUNDS = 5

export const throttling: Row = {
  name: 'throttling',
  about: 'processor time of a warm call in a router with limits, against the same router without',
  async measure(bench) {
    const router = await startRouter(bench, 1)
    const calls = bench.amount(20_000, 8000)
    bench.progress(`${calls} calls without limits and with them, in turn`)
    const contenders = {
      without: () => userTimeOf(bench, router, false, calls),
      limited: () => userTimeOf(bench, router, true, calls),
    }
    for (const contender of Object.values(contenders)) await contender()
    const times = await interleave(bench.amount(21, 5), contenders)
    const alone = await interleave(ROUNDS, { limits: limitsAlone(bench.amount(300_000, 100_000)) })
    return [
      {
        row: 'throttling',
        what: 'a warm call with limits',
        unit: 'us',
        against: 'without limits',
        limit: median(times.without),
        measured: median(times.limited),
        compared: pairedRatio(times.without, times.limited),
        budget: { type: 'factor', atMost: 1.02 },
      },
      {
        row: 'throttling',
        what: 'admission, window and headers by themselves',
        unit: 'us',
        against: 'a warm call without limits',
        limit: median(times.without),
        measured: median(alone.limits),
      },
    ]
  },
}

/** Processor time of a call in us, in user mode of the thread that answers. */
async function userTimeOf(bench: Workbench, router: BareRouter, limited: boolean, calls: number): Promise<number> {
  const before = await router.setLimited(limited)
  await runCleanLoad(bench, router.target, { connections: CONNECTIONS, warmMs: 0, durationMs: 60_000, calls })
  return ((await router.setLimited(limited)) - before) / calls
}

/** Time in us of what a call does with its limits, once the window is as full as it gets. */
function limitsAlone(repeats: number): () => Promise<number> {
  let now = 0
  const limits = localLimits({ window: 'sliding', headers: true, clock: { now: () => now, monotonic: () => now } })
  const identity = identityFixture({ invocationsPerMinute: 2 * (WINDOW_MS / CALL_MS) })
  const call = (): string => {
    now += CALL_MS
    const admission = limits.enter(identity)
    const headers: string[] = []
    appendRateLimit(headers, admission.quota)
    admission.release()
    return headers.join('\r\n')
  }
  for (let count = 0; count < WINDOW_MS / CALL_MS; count++) call()
  return () => microseconds(repeats, call)
}
