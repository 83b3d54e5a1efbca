/** Warm blocking calls to an action in a container, beside the container itself and beside an HTTP server that does nothing else. */

import { setTimeout as delay } from 'node:timers/promises'
import { startOnDocker } from './harness/docker-server.ts'
import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import type { LoadTarget, PoolContainer, StaveServer } from './harness/stave-server.ts'
import { ECHO } from './harness/stave-server.ts'
import { interleave, median, pairedRatio } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import { startBareContainer } from './limits/bare-container.ts'
import { startEcho } from './limits/start-limit.ts'
import type { LoadResult } from './load/load-plan.ts'
import { runCleanLoad } from './load/run-load.ts'

const PRINTS = "function main(args) { console.log('one line of text, as actions print them'); return args }"

const SETTLE_MS = 60_000
const POLL_MS = 50

type Name = 'echo' | 'bare' | 'stave' | 'barePrints' | 'prints'

export const dockerWarm: Row = {
  name: 'docker-warm',
  about:
    'warm blocking calls to a container over 1 and 16 connections, against the container itself and the echo server',
  needs: 'docker',
  async measure(bench) {
    const { server, engine, template } = await startOnDocker(bench, { 'containers-stem-cells': '{}' })
    await server.put('silent')
    await server.put('prints', { code: PRINTS })
    const bare = await startBareContainer(bench, engine, template)
    await bare.init(ECHO)
    const barePrints = await startBareContainer(bench, engine, template)
    await barePrints.init(PRINTS)
    const { target: echo } = await startEcho(bench)
    const targets: Readonly<Record<Name, LoadTarget>> = {
      echo,
      bare: bare.target,
      stave: server.target(['silent']),
      barePrints: barePrints.target,
      prints: server.target(['prints']),
    }
    const countOf = async (name: string): Promise<number> =>
      (await server.containers()).filter(({ actionKey }) => actionKey?.includes(`/${name}@`) === true).length
    const findings: Finding[] = []
    // One connection first: it needs one container, while 16 may have had more of them started.
    for (const connections of [1, 16]) {
      bench.progress('everybody is warmed up')
      for (const target of Object.values(targets)) {
        await runCleanLoad(bench, target, { connections, warmMs: 0, durationMs: bench.amount(2500, 1000) })
      }
      await nothingStarts(server)
      const results = await measureWith(bench, targets, connections)
      const containers = { silent: await countOf('silent'), prints: await countOf('prints') }
      findings.push(...findingsOf(results, connections, containers))
    }
    return findings
  },
}

function isStarting({ state }: PoolContainer): boolean {
  return state === 'creating' || state === 'requested'
}

/** Containers that the warm-up has ordered: their start would be in the way of what is measured. */
async function nothingStarts(server: StaveServer): Promise<void> {
  const until = performance.now() + SETTLE_MS
  while ((await server.containers()).some(isStarting)) {
    if (performance.now() > until) throw new Error('containers are still being started')
    await delay(POLL_MS)
  }
}

async function measureWith(
  bench: Workbench,
  targets: Readonly<Record<Name, LoadTarget>>,
  connections: number,
): Promise<Readonly<Record<Name, readonly LoadResult[]>>> {
  const shape = { connections, warmMs: 250, durationMs: bench.amount(1000, 500) }
  const load = (name: Name) => (): Promise<LoadResult> => runCleanLoad(bench, targets[name], shape)
  bench.progress(`${Object.keys(targets).join(', ')} in turn, ${connections} connection(s)`)
  return interleave(bench.amount(7, 3), {
    echo: load('echo'),
    bare: load('bare'),
    stave: load('stave'),
    barePrints: load('barePrints'),
    prints: load('prints'),
  })
}

function findingsOf(
  results: Readonly<Record<Name, readonly LoadResult[]>>,
  connections: number,
  containers: { readonly silent: number; readonly prints: number },
): readonly Finding[] {
  const plural = connections === 1 ? '1 connection' : `${connections} connections`
  const finding = (what: string, against: string, limit: Name, measured: Name): Finding => ({
    row: 'docker-warm',
    what: `${what}, ${plural}`,
    unit: 'calls/s',
    against,
    limit: median(rate(results[limit])),
    measured: median(rate(results[measured])),
    compared: pairedRatio(rate(results[limit]), rate(results[measured])),
    detail: {
      p50ms: median(results[measured].map(({ p50 }) => p50)),
      p99ms: median(results[measured].map(({ p99 }) => p99)),
      limitP50ms: median(results[limit].map(({ p50 }) => p50)),
      limitP99ms: median(results[limit].map(({ p99 }) => p99)),
      ...(measured === 'stave' && { containers: containers.silent }),
      ...(measured === 'prints' && { containers: containers.prints }),
    },
  })
  return [
    finding('an action that prints nothing', 'POST /run', 'bare', 'stave'),
    finding('an action that prints a line', 'POST /run', 'barePrints', 'prints'),
    finding('an action that prints nothing', 'echo server', 'echo', 'stave'),
    finding('not Stave: POST /run, nothing printed', 'echo server', 'echo', 'bare'),
  ]
}

function rate(results: readonly LoadResult[]): number[] {
  return results.map(({ requestsPerSecond }) => requestsPerSecond)
}
