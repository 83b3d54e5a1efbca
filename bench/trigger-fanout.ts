/** The answer to the fire of a trigger with 100 rules, beside that of one with a single rule. Each fire waits until all that the last one started has ended. */

import type { Row } from './harness/row.ts'
import type { StaveServer } from './harness/stave-server.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median, pairedRatio, percentile } from './harness/statistics.ts'

const RULES = 100
const EVENT = { name: 'World', place: 'Earth', count: 42 }

export const triggerFanout: Row = {
  name: 'trigger-fanout',
  about: `the answer to the fire of a trigger with ${RULES} rules, against one with 1`,
  async measure(bench) {
    const server = await startStave(bench)
    await server.put('noop')
    bench.progress(`triggers with 1 rule and with ${RULES}`)
    await addTrigger(server, 'one', 1)
    await addTrigger(server, 'many', RULES)
    const fires = bench.amount(30, 8)
    const fire = (trigger: string) => async (): Promise<readonly number[]> => {
      const times: number[] = []
      for (let count = 0; count < fires; count++) {
        times.push(await server.timed(`/triggers/${trigger}`, 202, EVENT))
        await server.idle()
      }
      return times
    }
    const contenders = { one: fire('one'), many: fire('many') }
    await contenders.one()
    await contenders.many()
    const before = await server.counter('stave_journal_rules_total', 'started')
    const { one, many } = await interleave(bench.amount(9, 3), contenders)
    const started = (await server.counter('stave_journal_rules_total', 'started')) - before
    const expected = (one.length + many.length * RULES) * fires
    if (started !== expected) throw new Error(`${started} of ${expected} rules were started`)
    const [limits, values] = [one.map(median), many.map(median)]
    return [
      {
        row: 'trigger-fanout',
        what: `a fire with ${RULES} rules until it is answered`,
        unit: 'ms',
        against: '1 rule',
        limit: median(limits),
        measured: median(values),
        compared: pairedRatio(limits, values),
        budget: { type: 'factor', atMost: 1.1 },
        detail: { p95ms: percentile(many.flat(), 0.95), limitP95ms: percentile(one.flat(), 0.95) },
      },
    ]
  },
}

/** A trigger, and rules that start `noop`. */
async function addTrigger(server: StaveServer, name: string, rules: number): Promise<void> {
  await server.send('PUT', `/triggers/${name}`, {})
  for (let rule = 0; rule < rules; rule++) {
    await server.send('PUT', `/rules/${name}-${rule}`, { trigger: `/_/${name}`, action: '/_/noop' })
  }
}
