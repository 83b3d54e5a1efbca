/**
 * The answer to the fire of a trigger with 100 rules, beside that of one with a single rule. Each fire waits until all that the last one started has ended;
 * then, for information, none does.
 */

import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import type { StaveServer } from './harness/stave-server.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'

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
    const fires = bench.amount(20, 8)
    const fire =
      (trigger: string, isPressed = false) =>
      async (): Promise<number> => {
        const times: number[] = []
        for (let count = 0; count < fires; count++) {
          times.push(await server.timed(`/triggers/${trigger}`, 202, EVENT))
          if (!isPressed) await server.idle()
        }
        await server.idle()
        return median(times)
      }
    const contenders = {
      one: fire('one'),
      many: fire('many'),
      oneAfterOther: fire('one', true),
      manyAfterOther: fire('many', true),
    }
    for (const contender of Object.values(contenders)) await contender()
    const rounds = bench.amount(7, 2)
    const before = await server.counter('stave_journal_rules_total', 'started')
    const { one, many, oneAfterOther, manyAfterOther } = await interleave(rounds, contenders)
    const started = (await server.counter('stave_journal_rules_total', 'started')) - before
    const expected = 2 * rounds * fires * (1 + RULES)
    if (started !== expected) throw new Error(`${started} of ${expected} rules were started`)
    return [
      { ...finding('a fire', one, many), budget: { type: 'factor', atMost: 1.1 } },
      finding('one fire after the other, while what they started runs', oneAfterOther, manyAfterOther),
    ]
  },
}

/** Times in ms, the median of each round. */
function finding(what: string, one: readonly number[], many: readonly number[]): Finding {
  return {
    row: 'trigger-fanout',
    what: `${what}, with ${RULES} rules`,
    unit: 'ms',
    against: '1 rule',
    limit: median(one),
    measured: median(many),
    compared: pairedRatio(one, many),
  }
}

/** A trigger, and rules that start `noop`. */
async function addTrigger(server: StaveServer, name: string, rules: number): Promise<void> {
  await server.send('PUT', `/triggers/${name}`, {})
  for (let rule = 0; rule < rules; rule++) {
    await server.send('PUT', `/rules/${name}-${rule}`, { trigger: `/_/${name}`, action: '/_/noop' })
  }
}
