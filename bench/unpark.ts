/** A call to a container that was suspended, beside the least that it takes: a write to the freezer and the answer of a process that knows the code. */

import { openCgroups } from '../src/containers/process/open-cgroups.ts'
import { freezeContainer, thawContainer } from '../src/containers/process/process-freezer.ts'
import type { CgroupLeaf } from '../src/containers/process/cgroups.ts'
import { writeFileSync } from 'node:fs'
import type { Row } from './harness/row.ts'
import { ECHO, partsOf, startStave } from './harness/stave-server.ts'
import type { TimedCall } from './harness/stave-server.ts'
import { interleave, median, percentile } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'
import { startInterpreter } from './limits/bare-interpreter.ts'
import { runCleanLoad } from './load/run-load.ts'

const PAUSE_GRACE_MS = 20
const WAIT_MS = 150
/** Runs of the bare process before: what is measured is not that its code has never run. */
const WARM_UP = 500

export const unpark: Row = {
  name: 'unpark',
  about: 'call to a suspended container, against a freezer write and the first answer of the thawed process',
  async measure(bench) {
    const server = await startStave(bench, {
      'containers-stem-cells': '{}',
      'containers-pause-grace-ms': String(PAUSE_GRACE_MS),
    })
    await server.put('echo')
    await server.call('echo')
    const interpreter = await startInterpreter(bench)
    await interpreter.firstAnswer(ECHO)
    bench.progress('everybody is warmed up')
    await runCleanLoad(bench, server.target(['echo']), {
      connections: 4,
      warmMs: 0,
      durationMs: bench.amount(3000, 1500),
    })
    for (let call = 0; call < WARM_UP; call++) await interpreter.exchange('{"name":"World"}')
    const leaf = cgroupOf(bench, interpreter.pid)
    const calls: TimedCall[] = []
    const rounds = bench.amount(30, 10)
    bench.progress(`${rounds} suspensions each (${leaf?.canFreeze === true ? 'cgroup freezer' : 'signals'})`)
    const { frozen, stave } = await interleave(rounds, {
      frozen: async () => {
        await freezeContainer(leaf, interpreter.pid)
        await wait()
        const startedAt = performance.now()
        thawContainer(leaf, interpreter.pid)
        await interpreter.exchange('{"name":"World"}')
        return performance.now() - startedAt
      },
      stave: async () => {
        await wait()
        const call = await server.call('echo')
        if (call.start !== 'thawed') throw new Error(`the call found its container ${call.start}, not suspended`)
        calls.push(call)
        return call.ms
      },
    })
    return [
      {
        row: 'unpark',
        what: 'call to a suspended container, p50',
        unit: 'ms',
        against: 'freezer write and answer',
        limit: median(frozen),
        measured: median(stave),
        budget: { type: 'added', atMost: 2 },
        detail: { ...partsOf(calls), limitP95Ms: percentile(frozen, 0.95) },
      },
    ]
  },
}

/** Puts a process into a control group of its own; undefined where none can be made, as containers then have none either. */
function cgroupOf(bench: Workbench, pid: number): CgroupLeaf | undefined {
  const { cgroups } = openCgroups(`stave-bench-${process.pid}`)
  if (cgroups === undefined) return undefined
  bench.defer(() => cgroups.close())
  const leaf = cgroups.create('frozen', { memoryMb: 256, processes: 64, cpuShare: 1 })
  bench.defer(async () => {
    leaf.thaw()
    leaf.kill()
    for (let attempt = 0; attempt < 100 && !leaf.remove(); attempt++) await wait()
  })
  for (const file of leaf.procs) writeFileSync(file, String(pid))
  return leaf
}

function wait(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, WAIT_MS)
  })
}
