/** A call to a container that was suspended, beside the least that it takes: a write to the freezer and the answer of a container that knows the code. */

import { setTimeout as delay } from 'node:timers/promises'
import { resolvePaths } from '../src/containers/docker/host-paths.ts'
import type { Freezer } from '../src/containers/host/freezer.ts'
import { freezeFully } from '../src/containers/host/freezer.ts'
import { locateFreezer } from '../src/containers/pause/locate-freezer.ts'
import { loadConfig } from '../src/config/load.ts'
import { startOnDocker } from './harness/docker-server.ts'
import type { Row } from './harness/row.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { ECHO, partsOf } from './harness/stave-server.ts'
import { interleave, median, pairedDifference, percentile } from './harness/statistics.ts'
import type { BareContainer } from './limits/bare-container.ts'
import { startBareContainer } from './limits/bare-container.ts'
import { runCleanLoad } from './load/run-load.ts'

const PAUSE_GRACE_MS = 20
const WAIT_MS = 150
/** Calls of the bare container before: what is measured is not that its code has never run. */
const WARM_UP = 500

export const dockerUnpark: Row = {
  name: 'docker-unpark',
  about:
    'call to a suspended container on Docker, against a freezer write and the first answer of the thawed container',
  needs: 'docker',
  async measure(bench) {
    const { server, engine, template } = await startOnDocker(bench, {
      'containers-stem-cells': '{}',
      'containers-pause-grace-ms': String(PAUSE_GRACE_MS),
      'docker-pause': 'cgroup',
    })
    await server.put('echo')
    await server.call('echo')
    const bare = await startBareContainer(bench, engine, template)
    await bare.firstAnswer(ECHO)
    bench.progress('everybody is warmed up')
    await runCleanLoad(bench, server.target(['echo']), {
      connections: 4,
      warmMs: 0,
      durationMs: bench.amount(3000, 1500),
    })
    for (let call = 0; call < WARM_UP; call++) await bare.run()
    const freezer = await freezerOf(bare)
    // The engine waits for what is frozen.
    bench.defer(() => freezer.thaw())
    const calls: TimedCall[] = []
    const rounds = bench.amount(50, 15)
    bench.progress(`${rounds} suspensions each`)
    const { frozen, stave } = await interleave(rounds, {
      frozen: async () => {
        await freezeFully(freezer)
        await delay(WAIT_MS)
        const startedAt = performance.now()
        freezer.thaw()
        await bare.run()
        return performance.now() - startedAt
      },
      stave: async () => {
        await delay(WAIT_MS)
        const call = await server.call('echo')
        if (call.start !== 'thawed') throw new Error(`the call found its container ${call.start}, not suspended`)
        calls.push(call)
        return call.ms
      },
    })
    return [
      {
        row: 'docker-unpark',
        what: 'call to a suspended container, p50',
        unit: 'ms',
        against: 'freezer write and answer',
        limit: median(frozen),
        measured: median(stave),
        compared: pairedDifference(frozen, stave),
        budget: { type: 'added', atMost: 2 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(frozen, 0.95) },
      },
    ]
  },
}

/** Rejects where the freezer cannot be reached: there is no limit then. */
async function freezerOf({ id, pid }: BareContainer): Promise<Freezer> {
  const { config } = await loadConfig({ env: {}, flags: {}, readFile: () => '', homedir: '/', cwd: '/' })
  const places = { root: resolvePaths(config.docker).cgroup, proc: '/proc' }
  const found = locateFreezer(places, { containerId: id, pid })
  if ('unreachable' in found) throw new Error(found.unreachable)
  return found.freezer
}
