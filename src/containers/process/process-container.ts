/** One container of the process factory: a runtime in its sandbox, from its start until nothing is left of it. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Deadline } from '../../model/deadline.ts'
import { remainingMs } from '../../model/deadline.ts'
import type { Container, ContainerEnd, ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import type { LineChannel } from './line-channel.ts'
import { createLineChannel } from './line-channel.ts'
import type { WatchedMemory } from './memory-watch.ts'
import { freezeContainer, thawContainer } from './process-freezer.ts'
import type { Reservation } from './reservation.ts'
import { reserve } from './reservation.ts'
import { membersOf, readProcesses, signalAll } from './process-table.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxHost } from './sandbox-host.ts'
import type { ProcessExit, ProcessStarter, StartedProcess } from './started-process.ts'

/** How much of what a failing start printed goes into its error. */
const DIAGNOSIS_BYTES = 2048
/** After the last process has ended its output is at hand at once; only a descriptor that was passed out of the container could stay open. */
const LAST_OUTPUT_MS = 1000
/** 128 + 9: the kernel's way, too, when a container is out of memory. */
const KILLED = 137
/** 128 + 6: abort(), which is how V8 ends when its heap is exhausted, after it has said so on standard error. */
const ABORTED = 134
const HEAP_EXHAUSTED = 'JavaScript heap out of memory'

/** Starts a container; resolves when its runtime takes an init message. Rejects with `ContainerStartError` after everything of it has been removed. */
export async function startContainer(
  host: SandboxHost,
  starter: ProcessStarter,
  spec: ContainerSpec,
  launcher: RuntimeLauncher,
  deadline: Deadline,
  node: string,
): Promise<Container> {
  const until = Math.min(deadline.at, host.clock.monotonic() + host.settings.startTimeoutMs)
  const left = (): number => Math.ceil(remainingMs({ at: until }, host.clock))
  if (left() === 0) throw new ContainerStartError('timedOut', 'the deadline passed before the container was started')
  // A zygote forks its own.
  const reservation = await reserve(host, spec, launcher, starter === host.starter ? host.shells : undefined)
  let channel: LineChannel | undefined
  try {
    const process = await startWithin(left(), starter, reservation, launcher)
    reservation.started(process)
    channel = createLineChannel(process, host.settings.maxAnswerBytes)
    await ready(left(), channel, process)
    return runningContainer(host, reservation, process, channel, spec, launcher, node)
  } catch (error) {
    await reservation.release()
    channel?.close()
    if (error instanceof ContainerStartError) throw error
    throw new ContainerStartError('startFailed', messageOf(error), { cause: error })
  }
}

/** Starts the process. One that comes only after the time limit is killed when it comes: nobody waits for it any more. */
async function startWithin(
  waitMs: number,
  starter: ProcessStarter,
  { plan, shell }: Reservation,
  launcher: RuntimeLauncher,
): Promise<StartedProcess> {
  const starting = starter.start(plan, launcher, shell)
  const outcome = await within(waitMs, starting)
  if (outcome !== 'late') return outcome
  starting.then(
    ({ pid }) => {
      signalAll(membersOf(readProcesses(), pid), 'SIGKILL')
    },
    () => undefined,
  )
  throw new ContainerStartError('timedOut', `the process was not started within ${waitMs} ms`)
}

/** What a promise comes to, or `late` after the time. */
async function within<Value>(waitMs: number, promise: Promise<Value>): Promise<Value | 'late'> {
  const timeout = new AbortController()
  try {
    return await Promise.race([promise, delay(waitMs, 'late' as const, { signal: timeout.signal, ref: false })])
  } finally {
    timeout.abort()
  }
}

/** Waits for the launcher's first line, for the process's end or for the time limit, whichever comes first. */
async function ready(waitMs: number, channel: LineChannel, process: StartedProcess): Promise<void> {
  let said = ''
  channel.onOutput = (_stream, chunk) => {
    if (said.length < DIAGNOSIS_BYTES) said += chunk.toString('utf8', 0, DIAGNOSIS_BYTES - said.length)
  }
  const first = Promise.race([
    channel.ready.then(
      () => 'ready' as const,
      () => 'ended' as const,
    ),
    process.exited.then(() => 'ended' as const),
  ])
  const outcome = await within(waitMs, first)
  if (outcome === 'ready') {
    channel.onOutput = () => undefined
    return
  }
  if (outcome === 'late') throw new ContainerStartError('timedOut', `the runtime was not ready within ${waitMs} ms`)
  const exit = await Promise.race([process.exited, delay(LAST_OUTPUT_MS, {}, { ref: false })])
  await lastOutput(process)
  throw new ContainerStartError('startFailed', `the runtime ended at once (${describe(exit)}): ${said.trim()}`)
}

function describe(exit: ProcessExit): string {
  if (exit.signal !== undefined) return exit.signal
  return exit.code === undefined ? 'no status' : `exit status ${exit.code}`
}

function runningContainer(
  host: SandboxHost,
  reservation: Reservation,
  process: StartedProcess,
  channel: LineChannel,
  spec: ContainerSpec,
  launcher: RuntimeLauncher,
  node: string,
): Container {
  const { leaf } = reservation
  const state = {
    over: false,
    destroyed: false,
    dying: false,
    memoryExceeded: false,
    heapExhausted: false,
    suspended: false,
  }
  let oomKills = 0
  let watched: WatchedMemory | undefined
  if (host.cgroups?.controls.memory !== true) {
    watched = host.memoryWatch.watch(process.pid, spec.memoryMb, () => {
      state.memoryExceeded = true
      void reservation.release()
    })
  }
  if (launcher.family === 'nodejs') {
    process.stderr.on('data', (chunk: Buffer) => {
      state.heapExhausted ||= chunk.includes(HEAP_EXHAUSTED)
    })
  }
  const end = async (exit: ProcessExit): Promise<ContainerEnd> => {
    state.over = true
    oomKills = Math.max(oomKills, leaf?.oomKills() ?? 0)
    watched?.stop()
    await reservation.release()
    await lastOutput(process)
    channel.close()
    if (state.memoryExceeded) return { cause: 'outOfMemory' }
    if (state.destroyed && !state.dying) return { cause: 'destroyed' }
    if (wasKilled(exit) ? oomKills > 0 : wasAborted(exit) && state.heapExhausted) return { cause: 'outOfMemory' }
    return state.destroyed ? { cause: 'destroyed' } : endOf(exit)
  }
  const ended = process.exited.then(end)
  const resume = (): void => {
    if (state.over || !state.suspended) return
    thawContainer(leaf, process.pid)
    state.suspended = false
  }
  return {
    spec,
    node,
    channel,
    ended,
    resize: (memoryMb) => {
      if (state.over) return Promise.resolve(false)
      watched?.resize(memoryMb)
      return Promise.resolve(watched !== undefined || (leaf?.setMemory(memoryMb) ?? false))
    },
    async suspend() {
      if (state.over || state.suspended) return
      state.suspended = true
      try {
        await freezeContainer(leaf, process.pid)
      } catch (error) {
        resume()
        throw error
      }
    },
    resume,
    async destroy() {
      if (!state.over) {
        state.destroyed = true
        // The end of a stream is known before the end of the process. Who destroys because of it must not hide the cause, nor remove what tells of it.
        state.dying ||= process.answers.readableEnded || process.answers.closed
        oomKills = Math.max(oomKills, leaf?.oomKills() ?? 0)
      }
      await reservation.release()
      await ended
    },
  }
}

function wasKilled(exit: ProcessExit): boolean {
  return exit.signal === 'SIGKILL' || exit.code === KILLED
}

function wasAborted(exit: ProcessExit): boolean {
  return exit.signal === 'SIGABRT' || exit.code === ABORTED
}

/** The first process of a sandbox reports a signal of the runtime as 128 + its number, as shells do. */
function endOf(exit: ProcessExit): ContainerEnd {
  if (exit.signal !== undefined) return { cause: 'signalled', signal: exit.signal }
  if (exit.code === undefined) return { cause: 'lost', reason: 'the process has gone and nobody knows how' }
  return { cause: 'exited', code: exit.code }
}

/** Waits until everything that the container said has been read: an answer written just before the end must not be lost. */
async function lastOutput(process: StartedProcess): Promise<void> {
  const closed = [process.answers, process.stdout, process.stderr].map(
    (stream) =>
      new Promise<void>((resolve) => {
        if (stream.closed || stream.destroyed) resolve()
        else stream.once('close', resolve)
      }),
  )
  await Promise.race([Promise.all(closed), delay(LAST_OUTPUT_MS, undefined, { ref: false })])
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
