/** One zygote (runtimes/python/zygote.py): its process, the requests to it and the containers that came of them. */

import { spawn } from 'node:child_process'
import { basename, dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import * as v from 'valibot'
import { readProcess } from './process-table.ts'
import { WORKING_DIRECTORY } from './root-directory.ts'
import type { SandboxPlan } from './sandbox-plan.ts'
import type { ProcessExit, StartedProcess } from './started-process.ts'
import type { StreamServer } from './zygote-streams.ts'

export interface ZygoteProcessOptions {
  /** Interpreter, flags and the zygote's script, by host paths. */
  readonly command: readonly [string, ...string[]]
  readonly streams: StreamServer
  readonly randomToken: () => string
  /** Longest time in ms for the zygote to get ready. */
  readonly timeoutMs: number
  /** Longest time in ms for one container to be built. */
  readonly buildMs: number
  /** A line that the zygote's interpreter wrote to standard error. */
  readonly onStderr: (text: string) => void
}

export interface ZygoteProcess {
  /** Forks a container and resolves when its streams are there. Rejects with the reason when it could not be built or the zygote is gone. */
  fork(plan: SandboxPlan, script: string): Promise<StartedProcess>
  /** Containers being built. */
  readonly pending: number
  /** Resolves when the process has ended, and every container of it with it. */
  readonly ended: Promise<void>
  /** Takes no more requests; the zygote ends when the last of its containers has. */
  retire(): void
  /** Ends the zygote and with it all its containers. Resolves when it is gone; bounded. */
  close(): Promise<void>
}

/** More at once than this are refused: the zygote builds them one after the other, the last would be late. */
const MAX_PENDING = 128
const CLOSE_MS = 2000
const MAX_LINE = 65536
/** A killed process is gone in a few ms, unless it is frozen: then its owner thaws it. */
const GONE_MS = 3000

interface Pending {
  readonly started: (pid: number) => void
  readonly failed: (reason: Error) => void
}

/** Starts a zygote; resolves when it takes requests. Rejects with the reason when this host or interpreter cannot have one. */
export async function startZygote(options: ZygoteProcessOptions): Promise<ZygoteProcess> {
  const [interpreter, ...args] = options.command
  const script = args.at(-1) ?? ''
  // Containers are forks: they show the zygote's arguments and first environment as their own, so neither tells of the platform.
  const child = spawn(interpreter, [...args.slice(0, -1), basename(script)], {
    cwd: dirname(script),
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: WORKING_DIRECTORY },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const pending = new Map<number, Pending>()
  const running = new Map<number, (exit: ProcessExit) => void>()
  const ready = Promise.withResolvers<void>()
  let lastId = 0
  let gone = false
  let retiring = false
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      if (gone) return
      gone = true
      const error = new Error(reason)
      ready.reject(error)
      for (const { failed } of pending.values()) failed(error)
      pending.clear()
      // The kernel kills each container with its zygote (PR_SET_PDEATHSIG); nobody is told when they have gone.
      void Promise.all(
        [...running].map(async ([pid, exited]) => {
          await whenGone(pid)
          exited({ signal: 'SIGKILL' })
        }),
      ).then(() => resolve())
      running.clear()
    }
    child.once('error', (error) => end(`the zygote could not be started: ${error.message}`))
    child.once('exit', (code, signal) => end(`the zygote ended with ${signal ?? `status ${code}`}`))
  })
  child.stdin.on('error', () => child.kill('SIGKILL'))
  child.stderr.setEncoding('utf8').on('data', (text: string) => options.onStderr(text.slice(0, MAX_LINE)))
  readLines(child.stdout, (line) => receive(line))
  const timer = setTimeout(() => {
    ready.reject(new Error(`the zygote was not ready within ${options.timeoutMs} ms`))
  }, options.timeoutMs).unref()
  try {
    await ready.promise
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }

  function receive(line: string): void {
    const parsed = v.safeParse(messageSchema, parseJson(line))
    if (!parsed.success) {
      ready.reject(new Error(`the zygote wrote what is not a message: ${line.slice(0, 200)}`))
      return void child.kill('SIGKILL')
    }
    const message = parsed.output
    if ('ready' in message) ready.resolve()
    else if ('unsupported' in message) ready.reject(new Error(message.unsupported))
    else if ('id' in message) {
      const request = pending.get(message.id)
      if ('error' in message) request?.failed(new Error(message.error))
      else if (request !== undefined) request.started(message.pid)
      // Nobody waits for it any more.
      else send(child.stdin, { op: 'kill', pid: message.pid })
    } else {
      const exited = running.get(message.pid)
      running.delete(message.pid)
      if (retiring && running.size === 0) child.stdin.end()
      exited?.('signal' in message ? { signal: message.signal } : { code: message.code })
    }
  }

  function fork(plan: SandboxPlan, launcherScript: string): Promise<StartedProcess> {
    if (gone || retiring) return Promise.reject(new Error('the zygote has ended'))
    if (pending.size >= MAX_PENDING) return Promise.reject(new Error(`${MAX_PENDING} containers are being forked`))
    const id = ++lastId
    const token = options.randomToken()
    const expectation = options.streams.expect(plan.id, token)
    const exited = Promise.withResolvers<ProcessExit>()
    let pid: number | undefined
    const { promise, resolve, reject } = Promise.withResolvers<StartedProcess>()
    const settle = (): void => {
      clearTimeout(limit)
      pending.delete(id)
    }
    const failed = (reason: Error): void => {
      settle()
      expectation.cancel(reason)
      if (pid !== undefined && running.has(pid)) send(child.stdin, { op: 'kill', pid })
      reject(reason)
    }
    const limit = setTimeout(() => {
      failed(new Error(`the container was not built within ${options.buildMs} ms`))
    }, options.buildMs).unref()
    const started = (number: number): void => {
      pid = number
      running.set(number, (exit) => {
        exited.resolve(exit)
        failed(new Error('the container ended while it was built'))
      })
      void expectation.streams.then((streams) => {
        settle()
        resolve({ pid: number, ...streams, exited: exited.promise })
      }, reject)
    }
    pending.set(id, { started, failed })
    const path = options.streams.path
    send(child.stdin, { op: 'start', id, socket: path, token, script: launcherScript, plan })
    return promise
  }

  return {
    fork,
    get pending() {
      return pending.size
    },
    ended,
    retire() {
      retiring = true
      if (running.size === 0) child.stdin.end()
    },
    async close() {
      child.stdin.end()
      const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS).unref()
      await ended
      clearTimeout(kill)
    },
  }
}

const messageSchema = v.union([
  v.object({ ready: v.literal(true) }),
  v.object({ unsupported: v.string() }),
  v.object({ id: v.number(), pid: v.number() }),
  v.object({ id: v.number(), error: v.string() }),
  v.object({ pid: v.number(), code: v.number() }),
  v.object({ pid: v.number(), signal: v.string() }),
])

function send(stdin: Writable, message: Readonly<Record<string, unknown>>): void {
  stdin.write(`${JSON.stringify(message)}\n`)
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // No message either; the caller says so.
    return undefined
  }
}

/** Resolves when the process has ended, after GONE_MS at the latest. */
async function whenGone(pid: number): Promise<void> {
  const until = performance.now() + GONE_MS
  while (readProcess(pid) !== undefined && performance.now() < until) await delay(5)
}

/** Hands out each line; a line that is longer than any the zygote writes ends the reading. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) stream.destroy()
    for (const line of lines) onLine(line)
  })
}
