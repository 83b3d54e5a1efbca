/** Memory that an idle container costs: what would be free without it, beside a bare Node process that waits for input. */

import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { privateMb } from './harness/machine.ts'
import type { Row } from './harness/row.ts'
import { startStave } from './harness/stave-server.ts'
import { interleave, median } from './harness/statistics.ts'

const CONTAINERS = 5
/** Long enough for the garbage of the start to be collected where the runtime collects it when idle. */
const IDLE_MS = 3000
const WAITS = "process.stdin.resume(); process.stdout.write('waits\\n')"

export const idleContainer: Row = {
  name: 'idle-container',
  about: 'private memory of a Node.js container that ran once and idles, against a bare Node process that waits',
  async measure(bench) {
    const server = await startStave(bench, { 'containers-stem-cells': '{}' })
    bench.progress(`${CONTAINERS} containers and as many bare processes`)
    const { bare } = await interleave(CONTAINERS, {
      bare: async () => {
        const child = await bench.start(process.execPath, ['-e', WAITS])
        await child.line('waits')
        return child.pid
      },
      stave: async (round) => {
        const name = `idle-${round}`
        await server.put(name)
        await server.call(name)
        return 0
      },
    })
    await delay(IDLE_MS)
    const containers = descendants(server.pid).filter(({ command }) => command.includes('launcher.cjs'))
    const whole = descendants(server.pid).reduce((sum, { pid }) => sum + privateMb(pid), 0)
    const runtimes = containers.map(({ pid }) => privateMb(pid))
    return [
      {
        row: 'idle-container',
        what: 'the runtime process',
        unit: 'MB',
        against: 'bare Node process',
        limit: median(bare.map((pid) => privateMb(pid))),
        measured: median(runtimes.filter((size) => size > 1)),
        budget: { type: 'added', atMost: 3 },
      },
      {
        row: 'idle-container',
        what: 'with the processes around it (sandbox, shell)',
        unit: 'MB',
        measured: whole / CONTAINERS,
      },
    ]
  },
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Every process below `root`, by what /proc says. */
function descendants(root: number): readonly Process[] {
  const all = readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? readProcess(Number(entry)) : []))
  const known = new Set([root])
  const found: Process[] = []
  // A child has not always the larger number: numbers wrap around.
  for (let grown = true; grown;) {
    grown = false
    for (const process of all) {
      if (known.has(process.pid) || !known.has(process.parent)) continue
      known.add(process.pid)
      found.push(process)
      grown = true
    }
  }
  return found
}

function readProcess(pid: number): readonly Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    return [{ pid, parent, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') }]
  } catch {
    // It has ended meanwhile.
    return []
  }
}
