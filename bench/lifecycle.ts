/** What it takes to create, suspend, resume and remove a container: sandboxed processes beside Docker, by each way of suspending that works here. */

import { mkdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../src/config/load.ts'
import type { Container } from '../src/containers/container-factory.ts'
import { openContainers } from '../src/main/containers.ts'
import type { OpenedContainers } from '../src/main/containers.ts'
import { systemClock, systemTimers } from '../src/model/clock.ts'
import { deadlineIn } from '../src/model/deadline.ts'
import { randomIds } from '../src/model/ids.ts'
import { formatImage } from '../src/model/manifest.ts'
import { silentLogger } from '../src/telemetry/logger.ts'
import { dockerFlags } from './harness/docker-server.ts'
import type { Finding } from './harness/finding.ts'
import type { Row } from './harness/row.ts'
import { interleave, percentile } from './harness/statistics.ts'
import type { Workbench } from './harness/workbench.ts'

const STRATEGIES = ['cgroup', 'runc', 'docker'] as const
const STEPS = ['create', 'suspend', 'resume', 'remove'] as const
const SHARES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const
const CREATE_MS = 60_000
/** Between the steps: what one of them leaves to be done in the background is not the next one's. */
const SETTLE_MS = 30
const NODEJS = /^nodejs:/

type Step = (typeof STEPS)[number]
/** ms of each step; those that were not done, or that failed, are missing. */
type Times = Partial<Record<Step, number>> & { readonly failure?: string }

export const lifecycle: Row = {
  name: 'lifecycle',
  about:
    'create, suspend, resume and remove of a container: sandboxed processes beside Docker, by each way of suspending',
  needs: 'docker',
  async measure(bench) {
    const processes = await open(bench, {})
    const byStrategy = new Map<string, OpenedContainers>()
    for (const pause of STRATEGIES) {
      const opened = await open(bench, {
        ...dockerFlags(bench),
        'docker-pause': pause,
        'docker-network': `stave-bench-${process.pid}-${pause}`,
        ...runcRoot(),
      })
      const inForce = suspensionOf(opened)
      if (inForce === `by ${pause}`) byStrategy.set(pause, opened)
      else bench.progress(`Docker cannot suspend by ${pause} here: ${inForce ?? 'not at all'}`)
    }
    const [first, ...rest] = byStrategy
    if (first === undefined) throw new Error('containers cannot be suspended here')
    const [firstName, docker] = first
    const sandbox = processes.host.protections.level
    const kept = await Promise.all(rest.map(async ([name, opened]) => [name, await create(opened)] as const))
    const rounds = bench.amount(60, 10)
    bench.progress(`${rounds} rounds: ${sandbox}, Docker (${[...byStrategy.keys()].join(', ')})`)
    const times = await interleave(rounds, {
      process: () => cycle(processes),
      whole: () => cycle(docker),
      ...Object.fromEntries(kept.map(([name, container]) => [name, () => pauses(container)])),
    })
    const { process: limits = [], whole = [], ...others } = times as Readonly<Record<string, Times[]>>
    return [
      ...STEPS.flatMap((step) => findings(step, label(step, firstName), sandbox, limits, whole)),
      ...Object.entries(others).flatMap(([name, values]) =>
        (['suspend', 'resume'] as const).flatMap((step) => findings(step, label(step, name), sandbox, limits, values)),
      ),
    ]
  },
}

function label(step: Step, strategy: string): string {
  return step === 'create' || step === 'remove' ? `${step}, Docker` : `${step}, Docker by ${strategy}`
}

function findings(
  step: Step,
  what: string,
  against: string,
  limits: readonly Times[],
  measured: readonly Times[],
): readonly Finding[] {
  const of = (times: readonly Times[]): number[] => times.flatMap((one) => one[step] ?? [])
  return Object.entries(SHARES).map(([name, share]) => ({
    row: 'lifecycle',
    what: `${what}, ${name}`,
    unit: 'ms',
    against,
    limit: percentile(of(limits), share),
    measured: percentile(of(measured), share),
    detail: { samples: of(measured).length, failed: measured.filter(({ failure }) => failure !== undefined).length },
  }))
}

/** The containers of a configuration, as a role opens them. */
async function open(bench: Workbench, given: Readonly<Record<string, string>>): Promise<OpenedContainers> {
  const home = bench.directory()
  mkdirSync(`${home}/data`)
  const flags = { 'data-dir': `${home}/data`, 'containers-stem-cells': '{}', ...given }
  const { config } = await loadConfig({
    env: process.env,
    flags,
    readFile: () => '',
    homedir: home,
    cwd: home,
  })
  const opened = await openContainers({
    config,
    log: silentLogger,
    clock: systemClock,
    timers: systemTimers,
    path: process.env['PATH'] ?? '',
    runDir: `${home}/run`,
    apiHost: 'http://127.0.0.1:3233',
    loopback: true,
    maxAnswerBytes: 1024 * 1024,
  })
  bench.defer(() => opened.stop())
  return opened
}

/** Where a private engine's runc keeps its state; an engine of the host's has it where the platform expects it. */
function runcRoot(): Readonly<Record<string, string>> {
  const directory = process.env['TEST_DOCKER_ENGINE'] ?? ''
  return directory === '' ? {} : { 'docker-paths-runc': `${directory}/exec/runtime-runc/moby` }
}

function suspensionOf({ host }: OpenedContainers): string | undefined {
  return host.protections.protections.find(({ name, on }) => name === 'suspension' && on)?.detail
}

const ids = randomIds()

function create({ factory, manifest }: OpenedContainers): Promise<Container> {
  const kind = manifest.kinds.find((candidate) => NODEJS.test(candidate.kind))
  if (kind === undefined) throw new Error('there is no Node.js to start')
  const spec = {
    id: ids.containerId(),
    kind: kind.kind,
    image: formatImage(kind.image),
    memoryMb: 256,
    cpuMilli: 0,
    concurrent: false,
    labels: {},
  }
  return factory.create(spec, deadlineIn(CREATE_MS, systemClock))
}

async function cycle(opened: OpenedContainers): Promise<Times> {
  let container: Container | undefined
  const created = await timed(async () => {
    container = await create(opened)
  })
  if (container === undefined) throw new Error('no container was made')
  const known = container
  const paused = await pauses(known)
  return { create: created, ...paused, remove: await timed(() => known.destroy()) }
}

async function pauses(container: Container): Promise<Times> {
  await delay(SETTLE_MS)
  let suspend: number
  try {
    suspend = await timed(() => container.suspend())
  } catch (error) {
    // runc gives up a freeze that the kernel does not finish at once; the container runs on then, and the pool lets it idle.
    return { failure: error instanceof Error ? error.message : String(error) }
  }
  await delay(SETTLE_MS)
  const resume = await timed(async () => container.resume())
  await delay(SETTLE_MS)
  return { suspend, resume }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
