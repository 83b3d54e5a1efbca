/** A router that knows 10,000 actions with a container each, beside one that knows a single action: the time of a warm call, and the memory of an action. */

import type { Row } from './harness/row.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import { startRouter } from './limits/start-router.ts'
import { runCleanLoad } from './load/run-load.ts'

const ACTIONS = 10_000

export const routingTable: Row = {
  name: 'routing-table',
  about: `a router with ${ACTIONS} actions in its caches and its table, against one with 1`,
  async measure(bench) {
    bench.progress(`routers with 1 and with ${ACTIONS} actions`)
    const [one, many] = await Promise.all([startRouter(bench, 1), startRouter(bench, ACTIONS)])
    const shape = { connections: 1, warmMs: 500, durationMs: bench.amount(1500, 700) }
    const results = await interleave(bench.amount(7, 3), {
      one: () => runCleanLoad(bench, one.target, shape),
      many: () => runCleanLoad(bench, many.target, shape),
    })
    const middle = (name: 'one' | 'many'): number[] => results[name].map(({ p50 }) => p50 * 1000)
    return [
      {
        row: 'routing-table',
        what: `warm p50 with ${ACTIONS} actions in turn`,
        unit: 'us',
        against: '1 action',
        limit: median(middle('one')),
        measured: median(middle('many')),
        compared: pairedRatio(middle('one'), middle('many')),
        budget: { type: 'factor', atMost: 1.1 },
      },
      {
        row: 'routing-table',
        what: 'memory of an action',
        unit: 'bytes',
        measured: many.bytesPerAction,
        budget: { type: 'most', value: 6000 },
      },
    ]
  },
}
