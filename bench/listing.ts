/**
 * Pages of a list of 100,000 entities: the last one beside the first, and the first beside that of a list of 1,000. The servers find the entities in their
 * stores: what is measured is the API, from the socket to the database and back.
 */

import { join } from 'node:path'
import { systemClock } from '../src/model/clock.ts'
import { parseFullyQualifiedName, parseNamespaceName } from '../src/model/names.ts'
import { createTrigger } from '../src/model/trigger-put.ts'
import { openSqliteStores } from '../src/stores/sqlite/open.ts'
import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import type { StaveServer } from './harness/stave-server.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median, pairedRatio, seededRandom } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'

const FEW = 1000
/** What clients ask for where nobody says how many. */
const PAGE = 30
const AT_ONCE = 500
/** The time of a page is that of an HTTP request and 30 documents; what a place in the list costs besides is to be within what that varies by. */
const CONSTANT = { type: 'factor', atMost: 1.25 } as const

export const listing: Row = {
  name: 'listing',
  about:
    'pages of a list of 100,000 entities: the last, and any, against the first, and the first against a list of 1,000',
  async measure(bench) {
    const all = bench.amount(100_000, 20_000)
    bench.progress(`stores of ${all} and of ${FEW} entities`)
    const [many, few] = await Promise.all([serverWith(bench, all), serverWith(bench, FEW)])
    const random = seededRandom(1)
    const pages = bench.amount(200, 50)
    const timePages = async (server: StaveServer, skip: () => number): Promise<number> => {
      const times: number[] = []
      for (let page = 0; page < pages; page++) times.push(await server.timed(target(skip()), 200))
      return median(times)
    }
    const contenders = {
      few: () => timePages(few, () => 0),
      first: () => timePages(many, () => 0),
      last: () => timePages(many, () => all - PAGE),
      any: () => timePages(many, () => Math.floor(random() * (all - PAGE))),
    }
    for (const contender of Object.values(contenders)) await contender()
    const { few: small, first, last, any } = await interleave(bench.amount(9, 3), contenders)
    return [
      compared(`last page of ${all}`, 'its first page', first, last),
      compared(`any page of ${all}`, 'its first page', first, any),
      compared(`first page of ${all}`, `first page of ${FEW}`, small, first),
    ]
  },
}

function compared(what: string, against: string, limits: readonly number[], values: readonly number[]): Finding {
  return {
    row: 'listing',
    what,
    unit: 'ms',
    against,
    limit: median(limits),
    measured: median(values),
    compared: pairedRatio(limits, values),
    budget: CONSTANT,
  }
}

function target(skip: number): string {
  return `/triggers?skip=${skip}&limit=${PAGE}`
}

/** A server on a store that has `count` triggers of the guest. Rejects where it does not list them. */
async function serverWith(bench: Workbench, count: number): Promise<StaveServer> {
  const dataDir = join(bench.directory(), 'data')
  const { artifacts, close } = await openStores(dataDir)
  const namespace = parseNamespaceName('guest')
  for (let at = 0; at < count; at += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, index) => `trigger-${at + index}`)
    const put = { parameters: [{ key: 'place', value: 'Earth' }] }
    const triggers = names.map((name, index) =>
      createTrigger(parseFullyQualifiedName(`/guest/${name}`, namespace), put, at + index + 1),
    )
    await Promise.all(triggers.map((trigger) => artifacts.putEntity(trigger, undefined, undefined)))
  }
  await close()
  const server = await startStave(bench, { 'data-dir': dataDir, 'containers-stem-cells': '{}' })
  const last = JSON.parse(await server.send('GET', target(count - PAGE))) as readonly { readonly name: string }[]
  if (last.length !== PAGE || last.at(-1)?.name !== 'trigger-0') throw new Error('the list has not what was written')
  return server
}

async function openStores(dataDir: string): Promise<Awaited<ReturnType<typeof openSqliteStores>>> {
  return openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts'] })
}
