/** Test support: a host prepared for forking containers, and a way to run Python code in one. */

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { systemClock } from '../../model/clock.ts'
import { parseActivationId, randomIds } from '../../model/ids.ts'
import type { DiscoveredPython } from './discover-python.ts'
import { discoverPython } from './discover-python.ts'
import { createLineChannel } from './line-channel.ts'
import { makeRootDirectory, WORKING_DIRECTORY } from './root-directory.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { SandboxPlan } from './sandbox-plan.ts'
import { seccompArchitecture, seccompProgram } from './seccomp.ts'
import type { ProcessStarter, StartedProcess } from './started-process.ts'
import type { ZygoteStarter } from './zygote.ts'
import { createZygoteStarter } from './zygote.ts'

/** The container's user where the tests run as root. */
export const CONTAINER_USER = { uid: 288_001, gid: 288_001 }
export const isRoot = process.getuid?.() === 0
const ACTIVATION = parseActivationId('0123456789abcdef0123456789abcdef')
const RUN_MS = 10_000

export interface ZygoteFixture {
  readonly pythons: readonly DiscoveredPython[]
  readonly directory: string
  /** Every warning so far. */
  readonly warnings: string[]
  plan(launcher: RuntimeLauncher, more?: Partial<SandboxPlan>): SandboxPlan
  /** A starter over `fallback`, which by default fails the test that reaches it. */
  starter(options?: {
    readonly fallback?: ProcessStarter
    readonly clock?: Clock
    readonly timeoutMs?: number
  }): ZygoteStarter
  close(): void
}

/** Prepares a host in a fresh temporary directory. */
export async function openZygoteFixture(path: string): Promise<ZygoteFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-zygote-'))
  const warnings: string[] = []
  const log = { warn: (fields: object, message: string) => void warnings.push(`${message} ${JSON.stringify(fields)}`) }
  const pythons = await discoverPython({ interpreters: {}, path, cacheDir: join(directory, 'cache'), log })
  const launchers = pythons.map(({ launcher }) => launcher)
  const root = makeRootDirectory(join(directory, 'root'), launchers, [CONTAINER_USER.uid])
  const seccompFile = join(directory, 'seccomp')
  const architecture = seccompArchitecture(arch())
  if (architecture !== undefined) writeFileSync(seccompFile, seccompProgram(architecture))
  const ids = randomIds()
  let runDirs = 0
  return {
    pythons,
    directory,
    warnings,
    plan: (launcher, more = {}) => ({
      id: ids.containerId(),
      root: root.path,
      mounts: [
        ...root.mounts,
        { type: 'proc', target: '/proc' },
        { type: 'tmpfs', target: '/tmp', sizeMb: 16, mode: '1777' },
        { type: 'tmpfs', target: WORKING_DIRECTORY, sizeMb: 16, mode: '1777' },
        { type: 'tmpfs', target: '/dev/shm', sizeMb: 16, mode: '1777' },
      ],
      ...(isRoot && { user: CONTAINER_USER }),
      cgroupProcs: [],
      network: 'none',
      networkCommand: [],
      ...(architecture !== undefined && { seccompFile }),
      rlimits: { openFiles: 512, ...(isRoot && { processes: 512 }), fileBytes: 64 * 1024 * 1024 },
      hostname: 'action',
      workingDirectory: WORKING_DIRECTORY,
      hostDirectory: directory,
      environment: {
        ...launcher.environment,
        ...launcher.sandboxEnvironment,
        HOME: WORKING_DIRECTORY,
        __OW_API_HOST: 'http://api',
      },
      ...more,
    }),
    starter: ({ fallback = noFallback, clock = systemClock, timeoutMs = 10_000 } = {}) =>
      createZygoteStarter({
        fallback,
        runDir: join(directory, `run${++runDirs}`),
        timeoutMs,
        clock,
        randomToken: () => randomBytes(16).toString('hex'),
        log,
      }),
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const noFallback: ProcessStarter = {
  start: () => Promise.reject(new Error('the container was not forked')),
  close: () => Promise.resolve(),
}

export interface PythonContainer {
  readonly process: StartedProcess
  /** Runs the function with `value`; the parsed answer, or a text when there is none. */
  run(value?: unknown): Promise<unknown>
  /** Ends it and waits for that. */
  end(): Promise<void>
}

/** Initialises a started process with source that defines `main`, or with a whole init value. Fails when that takes over 10 s. */
export async function initialise(
  process: StartedProcess,
  code: string | Readonly<Record<string, unknown>>,
): Promise<PythonContainer> {
  const channel = createLineChannel(process, 16 * 1024 * 1024)
  let printed = ''
  channel.onOutput = (_, chunk) => void (printed += chunk.toString('utf8'))
  await within(channel.ready, 'the first line')
  const value = typeof code === 'string' ? { name: 'test', main: 'main', binary: false, code } : code
  const answer = await within(
    new Promise<string>((resolve) => {
      channel.init(JSON.stringify({ value }), (reply) =>
        resolve(reply.type === 'answer' ? reply.body.toString() : reply.type),
      )
    }),
    'init',
  )
  if (!answer.startsWith('{"ok":true')) throw new Error(`init answered ${answer}: ${printed}`)
  return {
    process,
    run: (argument = {}) =>
      within(
        new Promise((resolve) => {
          const message = JSON.stringify({ value: argument, activation_id: ACTIVATION })
          channel.run(ACTIVATION, Buffer.from(message).toString('latin1'), (reply) =>
            resolve(reply.type === 'answer' ? JSON.parse(reply.body.toString()) : `${reply.type} ${printed}`),
          )
        }),
        'run',
      ),
    async end() {
      process.stdin.end()
      await within(process.exited, 'the end')
      channel.close()
    },
  }
}

/** The promise, or a failure that says what was waited for. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${RUN_MS} ms`)), RUN_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
