/**
 * Starts Python containers as forks of a zygote, a few milliseconds each: one zygote an interpreter. Until it is ready, whenever it fails, and for plans
 * that a fork cannot carry out, a container is an ordinary start of the process. The sandbox is the same either way.
 */

import type { Clock } from '../../model/clock.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxPlan } from './sandbox-plan.ts'
import type { ProcessStarter, StartedProcess } from './started-process.ts'
import type { Nursery } from './zygote-nursery.ts'
import { createNursery } from './zygote-nursery.ts'
import type { StreamServer } from './zygote-streams.ts'
import { openStreamServer } from './zygote-streams.ts'

export interface ZygoteOptions {
  /** Starts what no zygote does; its owner closes it. It must be one that sandboxes: what a zygote builds is never less than that, but never none either. */
  readonly fallback: ProcessStarter
  /** Directory for the socket that containers fetch their streams from: made here, emptied first, gone after `close`. At most 90 bytes long. */
  readonly runDir: string
  /** Longest time in ms for a zygote to get ready and, up to 5 s, for one container to be built. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** A string of letters and digits that nobody can guess. */
  readonly randomToken: () => string
  readonly log: { warn(fields: object, message: string): void }
}

/** Plain numbers for telemetry. */
export interface ZygoteCounters {
  /** Containers that were forked. */
  readonly forked: number
  /** Containers of kinds with a zygote that were started the ordinary way. */
  readonly fellBack: number
  /** Zygotes that ended, did not come up or could not build anything. */
  readonly failures: number
  /** Zygotes that take requests. */
  readonly ready: number
  /** Containers being built. */
  readonly pending: number
}

export interface ZygoteStarter extends ProcessStarter {
  readonly counters: ZygoteCounters
  /** Starts the launcher's zygote ahead of the first need. Resolves with undefined when it is ready, else with why there is none now. Never rejects. */
  prepare(launcher: RuntimeLauncher): Promise<string | undefined>
}

/** A starter that forks where it can. `close` ends the zygotes, and with them the containers that are left of theirs. */
export function createZygoteStarter(options: ZygoteOptions): ZygoteStarter {
  const { fallback } = options
  const nurseries = new Map<string, Nursery>()
  const counts = { forked: 0, fellBack: 0 }
  let opening: Promise<StreamServer> | undefined
  let closed = false

  /** One socket for all zygotes, opened at the first need and tried again after a failure. */
  const streams = (): Promise<StreamServer> => {
    opening ??= openStreamServer(options.runDir).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  const nurseryOf = (launcher: RuntimeLauncher): Nursery | undefined => {
    if (launcher.zygote === undefined || closed) return undefined
    const key = launcher.zygote.command.join('\0')
    const known = nurseries.get(key)
    if (known !== undefined) return known
    const made = createNursery(launcher.kind, launcher.zygote.command, { ...options, streams })
    nurseries.set(key, made)
    return made
  }

  const sum = (count: (nursery: Nursery) => number): number =>
    [...nurseries.values()].reduce((total, nursery) => total + count(nursery), 0)

  return {
    counters: {
      get forked() {
        return counts.forked
      },
      get fellBack() {
        return counts.fellBack
      },
      get failures() {
        return sum((nursery) => nursery.failures)
      },
      get ready() {
        return sum((nursery) => (nursery.ready ? 1 : 0))
      },
      get pending() {
        return sum((nursery) => nursery.pending)
      },
    },
    prepare: (launcher) => nurseryOf(launcher)?.prepare() ?? Promise.resolve('no zygote for this interpreter'),
    async start(plan, launcher) {
      const nursery = nurseryOf(launcher)
      if (nursery === undefined) return fallback.start(plan, launcher)
      const forked: StartedProcess | undefined = canFork(plan)
        ? await nursery.fork(plan, launcher.command.at(-1) ?? '')
        : undefined
      if (forked === undefined) counts.fellBack++
      else counts.forked++
      return forked ?? fallback.start(plan, launcher)
    },
    async close() {
      if (closed) return
      closed = true
      await Promise.all([...nurseries.values()].map((nursery) => nursery.close()))
      const server = await opening?.catch(() => undefined)
      server?.close()
    },
  }
}

/** What zygote_sandbox.py carries out: a field that is new in the plan does not compile here until a fork does it, too. */
const CARRIED_OUT: Readonly<Record<keyof SandboxPlan, true>> = {
  id: true,
  root: true,
  mounts: true,
  user: true,
  cgroupProcs: true,
  network: true,
  networkCommand: true,
  networkNamespace: true,
  seccompFile: true,
  hideAbstractSockets: true,
  rlimits: true,
  hostname: true,
  workingDirectory: true,
  hostDirectory: true,
  environment: true,
}

/**
 * False for what would make a lesser sandbox of a fork than of an ordinary start, and for a network that is entered through a program of its own or through
 * the host's user namespace.
 */
function canFork(plan: SandboxPlan): boolean {
  if (!Object.keys(plan).every((field) => field in CARRIED_OUT)) return false
  return plan.network !== 'isolated' || (plan.networkNamespace !== undefined && plan.user !== undefined)
}
