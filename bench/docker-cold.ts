/** The first call of a new action where no container waits, beside a container that is made over the Engine API and asked directly. */

import { startOnDocker } from './harness/docker-server.ts'
import type { Row } from './harness/row.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { ECHO, partsOf } from './harness/stave-server.ts'
import { interleave, median, pairedRatio, percentile } from './harness/statistics.ts'
import { startBareContainer } from './limits/bare-container.ts'

export const dockerCold: Row = {
  name: 'docker-cold',
  about:
    'first call of an action without a stem cell on Docker, against create and start over the Engine API until it answers',
  needs: 'docker',
  async measure(bench) {
    const { server, engine, template } = await startOnDocker(bench, { 'containers-stem-cells': '{}' })
    const calls: TimedCall[] = []
    const rounds = bench.amount(25, 8)
    bench.progress(`${rounds} new actions in turn with ${rounds} containers`)
    const { bare, stave } = await interleave(rounds, {
      bare: async () => {
        const startedAt = performance.now()
        const container = await startBareContainer(bench, engine, template)
        await container.firstAnswer(ECHO)
        return performance.now() - startedAt
      },
      stave: async (round) => {
        const name = `new-${round}`
        await server.put(name)
        const call = await server.call(name)
        if (call.start !== 'cold') throw new Error(`the call was a ${call.start} start although nothing waited`)
        calls.push(call)
        return call.ms
      },
    })
    return [
      {
        row: 'docker-cold',
        what: 'first call of a new action, p50',
        unit: 'ms',
        against: 'Engine API',
        limit: median(bare),
        measured: median(stave),
        compared: pairedRatio(bare, stave),
        budget: { type: 'factor', atMost: 1.1 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(bare, 0.95) },
      },
    ]
  },
}
