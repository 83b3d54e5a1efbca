/**
 * A namespace that calls at a steady pace, beside one that wants ten times its share: what the second one does to the slowest calls of the first. Of calls a
 * minute the loud one has a limit, and keeps its pace, too: as fast as it is answered, refusals would make it the louder the quicker they are. Of containers
 * its share is half of the room.
 */

import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import type { LoadTarget } from './harness/stave-server.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import type { LoadResult } from './load/load-plan.ts'
import { failuresOf } from './load/load-plan.ts'
import type { LoadShape } from './load/run-load.ts'
import { runCleanLoad, runLoad } from './load/run-load.ts'

const TIMES = 10
/** What the loud one may do in a minute: what any namespace may that nobody has limited. */
const SHARE_A_MINUTE = 10_000
const SHARE = SHARE_A_MINUTE / 60
/** Calls a second of the one that is watched. */
const WATCHED = 200
/** Beside it, calls a second of one whose runs take as long as those of functions that ask somebody else do, and how long that is. */
const WORKING = 100
const WORK = 'const main = () => new Promise((resolve) => setTimeout(resolve, 50, {}))'
/** The same beside many containers: it rests in between for long enough to be taken for idle. */
const SELDOM = 5
/** Containers that there is room for, and what the loud one's run meanwhile. */
const ROOM = 8
const SLOW = 'const main = () => new Promise((resolve) => setTimeout(resolve, 100, {}))'
/**
 * What is measured is the server, and all share the processors: the clock of the watched one's generator is not to be late for want of one, and the work of
 * being loud, which is done elsewhere where it matters, takes none from the server.
 */
const WATCHES = { priority: -20 }
const GIVES_WAY = { priority: 19 }
const BUDGET = { type: 'factor', atMost: 1.1 } as const

export const fairness: Row = {
  name: 'fairness',
  about: `p99 of a namespace while another wants ${TIMES} times its share, against while that keeps to it`,
  measure: async (bench) => [...(await besideCalls(bench)), await besideContainers(bench)],
}

async function besideCalls(bench: Workbench): Promise<readonly Finding[]> {
  const rounds = bench.amount(7, 2)
  const limits = { invocationsPerMinute: SHARE_A_MINUTE }
  const server = await startStave(bench, { 'containers-pause-grace-ms': '600000' })
  const watched = await server.tenant('watched')
  const working = await server.tenant('working', { code: WORK })
  const within = await server.tenant('within')
  const spent = await server.tenant('spent', { limits })
  const fresh: LoadTarget[] = []
  for (let round = 0; round < rounds; round++) fresh.push(await server.tenant(`fresh-${round}`, { limits }))
  bench.progress('everybody is warmed up')
  for (const target of [watched, working, within, ...fresh]) {
    await runCleanLoad(bench, target, { connections: 8, warmMs: 0, durationMs: 5000, calls: 500 })
  }
  bench.progress(`alone, beside ${Math.round(SHARE)} calls a second, and beside ${TIMES} times as many, in turn`)
  const beside = async (others: Others): Promise<Both> => {
    const [short, long] = await Promise.all([
      watch(bench, watched, WATCHED, others),
      watch(bench, working, WORKING, others),
    ])
    return { short, long }
  }
  const results = await interleave(rounds, {
    alone: () => beside(Promise.resolve(undefined)),
    share: () => beside(paced(bench, within, SHARE)),
    // A minute's worth comes in the first six seconds.
    early: (round) => beside(paced(bench, fresh[round] ?? within, TIMES * SHARE)),
    refused: async () => {
      await runLoad(bench, spent, { connections: 16, warmMs: 0, durationMs: 45_000, calls: SHARE_A_MINUTE })
      // The records of those are not what is measured.
      await server.idle()
      return beside(refused(bench, spent))
    },
  })
  const { alone, share, early } = results
  return (['long', 'short'] as const).flatMap((which) => {
    const of = (both: readonly Both[]): readonly Watched[] => both.map((each) => each[which])
    const runs = which === 'long' ? 'runs of 50 ms' : 'runs of nothing'
    return [
      {
        ...finding(`${TIMES} times the calls, nine in ten refused, ${runs}`, of(results.refused), of(share)),
        budget: BUDGET,
      },
      {
        ...finding(`${TIMES} times the calls, a minute's worth at once, ${runs}`, of(early), of(share)),
        budget: BUDGET,
      },
      { ...finding(`its share of calls, ${runs}`, of(share), of(alone)), against: 'alone' },
    ]
  })
}

/** One that calls what does nothing, and one that calls what works, at the same time. */
interface Both {
  readonly short: Watched
  readonly long: Watched
}

async function besideContainers(bench: Workbench): Promise<Finding> {
  const server = await startStave(bench, { 'containers-memory-mb': String(ROOM * 256), 'containers-stem-cells': '{}' })
  const watched = await server.tenant('watched')
  const loud = await server.tenant('louder', { code: SLOW })
  const busy = (connections: number): Promise<LoadResult> =>
    runCleanLoad(
      bench,
      loud,
      { ...shape(bench), warmMs: 0, durationMs: bench.amount(8000, 4000), connections },
      GIVES_WAY,
    )
  bench.progress(
    `beside ${ROOM / 2} calls at once, and beside ${TIMES} times as many, where there is room for ${ROOM} containers`,
  )
  const { share, tenfold } = await interleave(bench.amount(7, 2), {
    share: () => watch(bench, watched, SELDOM, busy(ROOM / 2)),
    tenfold: () => watch(bench, watched, SELDOM, busy((TIMES * ROOM) / 2)),
  })
  return { ...finding(`${TIMES} times the calls at once, more than there is room for`, tenfold, share), budget: BUDGET }
}

/** Load that is there at the same time; undefined: none. */
type Others = Promise<LoadResult | undefined>

interface Watched extends LoadResult {
  /** Answers that the others got meanwhile: on a busy machine they may not reach their pace. */
  readonly othersPerSecond: number
}

/** What the one that is watched sees while others do what they do. */
async function watch(bench: Workbench, target: LoadTarget, perSecond: number, others: Others): Promise<Watched> {
  const [result, loud] = await Promise.all([
    runCleanLoad(bench, target, { ...shape(bench), perSecond }, WATCHES),
    others,
  ])
  return { ...result, othersPerSecond: loud?.requestsPerSecond ?? 0 }
}

function finding(what: string, results: readonly Watched[], limits: readonly Watched[]): Finding {
  const [own, other] = [results.map(({ p99 }) => p99), limits.map(({ p99 }) => p99)]
  return {
    row: 'fairness',
    what: `p99 beside ${what}`,
    unit: 'ms',
    against: 'beside its share',
    limit: median(other),
    measured: median(own),
    compared: pairedRatio(other, own),
    detail: {
      p50ms: median(results.map(({ p50 }) => p50)),
      limitP50ms: median(limits.map(({ p50 }) => p50)),
      othersPerSecond: median(results.map(({ othersPerSecond }) => othersPerSecond)),
    },
  }
}

/** Calls that are spread evenly over some seconds and all succeed. */
function paced(bench: Workbench, target: LoadTarget, perSecond: number): Promise<LoadResult> {
  return runCleanLoad(bench, target, { ...shape(bench), perSecond }, GIVES_WAY)
}

/** The same of somebody who has used up the minute. Rejects where they are not refused. */
async function refused(bench: Workbench, target: LoadTarget): Promise<LoadResult> {
  const result = await runLoad(bench, target, { ...shape(bench), perSecond: TIMES * SHARE }, GIVES_WAY)
  const tooMany = result.failures['429'] ?? 0
  if (tooMany !== failuresOf(result)) throw new Error(`requests failed: ${JSON.stringify(result.failures)}`)
  if (tooMany < 0.9 * result.requests) throw new Error(`only ${tooMany} of ${result.requests} calls were refused`)
  return result
}

function shape(bench: Workbench): LoadShape {
  return { connections: 8, warmMs: 500, durationMs: bench.amount(5000, 2500) }
}
