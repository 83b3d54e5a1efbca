/** The first call of a new action while a container waits, beside a container that waits and is asked directly. */

import { setTimeout as delay } from 'node:timers/promises'
import { startOnDocker } from './harness/docker-server.ts'
import type { Row } from './harness/row.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { ECHO, partsOf } from './harness/stave-server.ts'
import { interleave, median, pairedDifference, percentile } from './harness/statistics.ts'
import { startBareContainer } from './limits/bare-container.ts'

/** With one alone, the next would be started at once, beside the init that is measured. */
const STEM_CELLS = 3
/** A waiting container has long finished its start when it is asked. */
const SETTLE_MS = 200

export const dockerStem: Row = {
  name: 'docker-stem',
  about: 'first call of an action with a stem cell waiting on Docker, against /init and /run of a container that waits',
  needs: 'docker',
  async measure(bench) {
    const { server, engine, template } = await startOnDocker(bench, {
      'containers-stem-cells': `{"nodejs":${STEM_CELLS}}`,
    })
    const calls: TimedCall[] = []
    const rounds = bench.amount(25, 8)
    bench.progress(`${rounds} new actions in turn with ${rounds} waiting containers`)
    const { bare, stave } = await interleave(rounds, {
      bare: async () => {
        const container = await startBareContainer(bench, engine, template)
        await delay(SETTLE_MS)
        const startedAt = performance.now()
        await container.firstAnswer(ECHO)
        return performance.now() - startedAt
      },
      stave: async (round) => {
        const name = `new-${round}`
        await server.put(name)
        await server.stemCells(STEM_CELLS)
        await delay(SETTLE_MS)
        const call = await server.call(name)
        if (call.start !== 'stem') throw new Error(`the call was a ${call.start} start although a stem cell waited`)
        calls.push(call)
        return call.ms
      },
    })
    return [
      {
        row: 'docker-stem',
        what: 'first call of a new action, p50',
        unit: 'ms',
        against: 'waiting container',
        limit: median(bare),
        measured: median(stave),
        compared: pairedDifference(bare, stave),
        budget: { type: 'added', atMost: 5 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(bare, 0.95) },
      },
    ]
  },
}
