/** What the sandbox tests share: a factory on this host at a given level, a container that runs a piece of JavaScript, and the proof that nothing is left. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Container, ContainerSpec } from '../../src/containers/container-factory.ts'
import { findHostTools } from '../../src/containers/process/host-tools.ts'
import type { ProcessContainerFactory } from '../../src/containers/process/process-container-factory.ts'
import { createProcessContainerFactory } from '../../src/containers/process/process-container-factory.ts'
import { readProcesses } from '../../src/containers/process/process-table.ts'
import type { RuntimeLauncher } from '../../src/containers/process/runtime-launcher.ts'
import type { StartProcess } from '../../src/containers/process/started-process.ts'
import type { ProcessFactorySettings, SandboxLevel } from '../../src/containers/process/settings.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { parseJsonObject } from './parse-json.ts'
import type { ContainerId } from '../../src/model/ids.ts'
import { randomIds } from '../../src/model/ids.ts'

export const isRoot = process.getuid?.() === 0
const node = process.execPath
const here = import.meta.dirname
const ids = randomIds()

/**
 * Kinds of the test launcher: `test:works`, `test:silent` (never ready), `test:broken` (ends at once) and `test:zygote` (started in the test's own way).
 * `clone` is a directory with `bin/node` and `test-launcher.cjs`, in place of this process's own.
 */
export function testLaunchers(clone?: string): ReadonlyMap<string, RuntimeLauncher> {
  const launcher = (kind: string, ...args: string[]): [string, RuntimeLauncher] => [
    kind,
    {
      kind,
      family: 'nodejs',
      interpreter: node,
      version: process.versions.node,
      mounts: [
        { source: clone ?? dirname(dirname(node)), target: '/opt/node' },
        { source: clone ?? here, target: '/opt/launcher' },
      ],
      command: ['/opt/node/bin/node', '/opt/launcher/test-launcher.cjs', ...args],
      hostCommand: [node, join(here, 'test-launcher.cjs'), ...args],
      environment: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
    },
  ]
  const [, works] = launcher('test:works')
  return new Map([
    launcher('test:works'),
    launcher('test:silent', 'silent'),
    launcher('test:broken', 'broken'),
    ['test:zygote', { ...works, kind: 'test:zygote', zygote: { command: [node] } }],
  ])
}

/** What the suite of container factories asks for of these kinds. */
export const testKinds = {
  works: { kind: 'test:works', image: '' },
  silent: { kind: 'test:silent', image: '' },
  broken: { kind: 'test:broken', image: '' },
  brokenMessage: /exit status 3\): this launcher is broken/,
  unknown: { kind: 'test:none', image: '' },
  limitsMemory: true,
}

/** Each test process has users of its own, so that suites can run at the same time. */
const FIRST_UID = 300_000 + (process.pid % 10_000) * 50

export const testSettings: ProcessFactorySettings = {
  nodeName: '',
  sandbox: 'auto',
  network: 'host',
  uidFirst: FIRST_UID,
  uidCount: 50,
  tmpMb: 16,
  openFiles: 256,
  processes: 64,
  fileBytes: 8 * 1024 * 1024,
  memoryMb: 4096,
  cpuMilli: 2000,
  resources: {},
  maxAnswerBytes: 1024 * 1024,
  apiHost: 'http://localhost:3233',
  startTimeoutMs: 20_000,
  maxConcurrentStarts: 0,
  trusted: false,
  loopback: true,
}

export interface TestHost {
  readonly factory: ProcessContainerFactory
  readonly dataDir: string
  readonly runDir: string
  /** Lines that were logged as warnings. */
  readonly warnings: string[]
  /** Stops the factory, asserts that nothing is left on the host, and removes its directories. */
  close(): Promise<void>
}

/** A started factory with directories of its own, or in those of an earlier one; `zygote` starts containers of the kind `test:zygote`. */
export async function openTestHost(
  settings: Partial<ProcessFactorySettings> = {},
  earlier?: string,
  zygote?: (direct: StartProcess) => StartProcess,
  clone?: string,
): Promise<TestHost> {
  const dataDir = earlier ?? mkdtempSync(join(tmpdir(), 'stave-data-'))
  const runDir = join(dataDir, 'run')
  const warnings: string[] = []
  const factory = createProcessContainerFactory({
    runtimes: testLaunchers(clone),
    dataDir,
    runDir,
    settings: { ...testSettings, ...settings },
    clock: systemClock,
    log: { info: () => undefined, warn: (_fields, message) => void warnings.push(message) },
    ...(zygote !== undefined && {
      zygote: (_launcher, _host, direct) => ({ start: zygote(direct.start), close: () => Promise.resolve() }),
    }),
  })
  try {
    await factory.start()
  } catch (error) {
    if (earlier === undefined) rmSync(dataDir, { recursive: true, force: true })
    throw error
  }
  return {
    factory,
    dataDir,
    runDir,
    warnings,
    async close() {
      await factory.stop()
      assertNothingLeft(runDir, true)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/**
 * Fails when containers of the factory have left processes, control groups, mounts or directories. A factory that is running may have its guard, and
 * shells that wait for the next containers; one that was stopped (`stopped`) may not.
 */
export function assertNothingLeft(runDir: string, stopped = false): void {
  assert.deepEqual(readdirSync(join(runDir, 'containers')), [], 'directories of containers')
  assert.deepEqual(
    ownDescendants().filter((command) => !/ stave-(?:guard|waiting) /.test(command)),
    [],
    'processes',
  )
  assert.ok(!readFileSync('/proc/mounts', 'utf8').includes(runDir), 'mounts')
  const group = readFileSync(join(runDir, 'cgroups'), 'utf8').trim()
  const left = group.split('\n').flatMap((directory) => (directory === '' ? [] : listDirectories(directory)))
  assert.deepEqual(
    left.filter((name) => stopped || !/^waiting-\d+$/.test(name)),
    [],
    'control groups',
  )
}

function listDirectories(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

/** Command lines of processes that descend from this one or run as a user of containers. */
function ownDescendants(): readonly string[] {
  return readProcesses().flatMap(({ pid, parent, rssBytes }) => {
    // Dead already, its memory gone: the kernel is about to make a zombie of it.
    if (rssBytes === 0) return []
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readText(`/proc/${pid}/status`))?.[1] ?? '0')
    if (parent !== process.pid && !(uid >= FIRST_UID && uid < FIRST_UID + 50)) return []
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').replaceAll(/\s+/g, ' ')
    return [`${pid} ${command}`]
  })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Sandbox levels that this host can build, by the presence of their tools; why the others are left out. */
export function availableLevels(): readonly { readonly level: SandboxLevel; readonly missing?: string }[] {
  const tools = findHostTools()
  return [
    { level: 'bubblewrap', ...(tools.bwrap === undefined && { missing: 'bwrap is not installed' }) },
    { level: 'unshare', ...(tools.unshare === undefined && { missing: 'unshare is not installed' }) },
    { level: 'none' },
  ]
}

/** A specification with a fresh id. */
export function testSpec(changes: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    id: ids.containerId(),
    kind: 'test:works',
    image: '',
    memoryMb: 256,
    cpuMilli: 0,
    concurrent: false,
    labels: { test: 'yes' },
    ...changes,
  }
}

export type { ContainerId }

/** A container whose `main` is `code`; its output is collected. */
export async function startAction(
  factory: ProcessContainerFactory,
  code: string,
  changes: Partial<ContainerSpec> = {},
): Promise<{ readonly container: Container; readonly output: () => string }> {
  const container = await factory.create(testSpec(changes), deadlineIn(20_000, systemClock))
  let said = ''
  container.channel.onOutput = (_stream, chunk) => {
    said += chunk.toString()
  }
  const reply = await new Promise<string>((resolve) => {
    container.channel.init(JSON.stringify({ value: { name: 'test', main: 'main', binary: false, code } }), (answer) => {
      resolve(answer.type === 'lost' ? 'lost' : answer.type === 'answer' ? answer.body.toString() : 'tooLarge')
    })
  })
  assert.match(reply, /^\{"ok":true/)
  return { container, output: () => said }
}

/** What one run answered: its JSON object, or the type of the reply when there was none. */
export function run(
  container: Container,
  value: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    container.channel.run(ids.activationId(systemClock.now()), JSON.stringify({ value }), (reply) => {
      resolve(reply.type === 'answer' ? parseJsonObject(reply.body.toString()) : { reply: reply.type })
    })
  })
}

/** Runs `body` (statements of an async function that may `return` an object) once in a new container and destroys it. */
export async function inside(
  factory: ProcessContainerFactory,
  body: string,
  changes: Partial<ContainerSpec> = {},
): Promise<Record<string, unknown>> {
  const { container } = await startAction(factory, `async function main(args) { ${PRELUDE} ${body} }`, changes)
  try {
    return await run(container)
  } finally {
    await container.destroy()
  }
}

/** For the code inside: `sh(command)` gives what a shell printed and its status; `attempt(f)` the error code of what throws. */
const PRELUDE = `
const fs = require('node:fs');
const sh = (command, input) => {
  const { status, signal, stdout, stderr } = require('node:child_process').spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', input });
  return { status, signal, stdout: (stdout ?? '').trim(), stderr: (stderr ?? '').trim() };
};
const attempt = (f) => { try { f(); return 'done' } catch (error) { return error.code ?? String(error) } };
`
