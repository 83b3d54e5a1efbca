/** Zygotes that fail: containers are started another way meanwhile, a new one is tried after a growing pause, nothing waits for ever. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { virtualClock } from '../../../test/virtual-clock.ts'
import { readProcess } from './process-table.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'
import type { ProcessStarter, StartedProcess } from './started-process.ts'
import { createZygoteStarter } from './zygote.ts'
import { initialise, openZygoteFixture, within } from './zygote-fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'stave-nursery-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const fixture = await openZygoteFixture('/usr/bin:/bin')
after(() => fixture.close())

const ECHO = 'def main(a): return a'

/** Counts what reaches it and starts nothing. */
function countingFallback(): ProcessStarter & { readonly started: string[] } {
  const started: string[] = []
  return {
    started,
    start(plan) {
      started.push(plan.id)
      return Promise.reject(new Error('fallback'))
    },
    close: () => Promise.resolve(),
  }
}

/** A launcher whose zygote is a shell script. */
function scripted(script: string): RuntimeLauncher {
  const path = join(directory, `${Math.random().toString(36).slice(2)}.sh`)
  writeFileSync(path, script)
  return {
    kind: 'python:3.0',
    family: 'python',
    interpreter: '/bin/sh',
    version: '3.0.0',
    mounts: [],
    command: ['/bin/sh', '/launcher.py'],
    hostCommand: ['/bin/sh', '/launcher.py'],
    environment: {},
    zygote: { command: ['/bin/sh', path] },
  }
}

describe('zygotes that do not come up', () => {
  test('an unsupported host: the reason is told and logged, containers go the other way', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback })
    context.after(() => starter.close())
    const launcher = scripted('echo \'{"unsupported":"no system calls here"}\'; cat')
    assert.equal(await starter.prepare(launcher), 'no system calls here')
    assert.match(fixture.warnings.at(-1) ?? '', /no zygote: .*no system calls here/)
    await assert.rejects(starter.start(fixture.plan(launcher), launcher), /fallback/)
    assert.equal(starter.counters.fellBack, 1)
    assert.equal(starter.counters.ready, 0)
  })

  test('the pause doubles from 250 ms and no zygote is tried within it', async (context) => {
    const clock = virtualClock()
    const starter = fixture.starter({ fallback: countingFallback(), clock })
    context.after(() => starter.close())
    const log = join(directory, 'tries')
    writeFileSync(log, '')
    const launcher = scripted(`echo x >>${log}; exit 3`)
    const tries = (): number => readFileSync(log, 'utf8').length / 2
    assert.equal(await starter.prepare(launcher), 'the zygote ended with status 3')
    for (const pauseMs of [250, 500, 1000]) {
      const before = tries()
      await clock.advance(pauseMs - 1)
      await starter.prepare(launcher)
      assert.equal(tries(), before)
      await clock.advance(1)
      await starter.prepare(launcher)
      assert.equal(tries(), before + 1)
    }
    assert.equal(starter.counters.failures, 4)
  })

  test('one that is never ready is killed at its deadline; one that talks nonsense, at once', async (context) => {
    const starter = fixture.starter({ fallback: countingFallback(), timeoutMs: 100 })
    context.after(() => starter.close())
    assert.match((await starter.prepare(scripted('exec sleep 60'))) ?? '', /not ready within 100 ms/)
    assert.match(
      (await starter.prepare(scripted('echo nonsense; exec sleep 60'))) ?? '',
      /what is not a message: nonsense/,
    )
  })

  test('an interpreter without a zygote, or that is not there', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback })
    context.after(() => starter.close())
    const { zygote: _, ...without } = scripted('')
    assert.match((await starter.prepare(without)) ?? '', /no zygote/)
    await assert.rejects(starter.start(fixture.plan(without), without), /fallback/)
    const missing: RuntimeLauncher = { ...without, zygote: { command: ['/no/such/python', '/zygote.py'] } }
    assert.match((await starter.prepare(missing)) ?? '', /could not be started|ENOENT/)
  })

  test('a socket path that is too long is said to be', async (context) => {
    const starter = createZygoteStarter({
      fallback: countingFallback(),
      runDir: join(directory, 'x'.repeat(120)),
      timeoutMs: 1000,
      clock: virtualClock(),
      randomToken: () => 't',
      log: { warn: () => undefined },
    })
    context.after(() => starter.close())
    assert.match((await starter.prepare(scripted('echo \'{"ready":true}\'; cat'))) ?? '', /longer than 107 bytes/)
  })
})

const launcher = fixture.pythons.find((python) => python.launcher.zygote !== undefined)?.launcher
const skip = launcher === undefined && 'no Python with ctypes in /usr/bin'

describe('zygotes that were up', { skip }, () => {
  let python: RuntimeLauncher
  beforeEach(() => {
    assert.ok(launcher !== undefined)
    python = launcher
  })

  /** Host process id of the zygote: the parent of its container. */
  const zygoteOf = ({ pid }: StartedProcess): number =>
    Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

  test('killed: its containers end, the next start falls back, after the pause there is another zygote', async (context) => {
    const clock = virtualClock()
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback, clock })
    context.after(() => starter.close())
    await starter.prepare(python)
    const container = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    process.kill(zygoteOf(container.process), 'SIGKILL')
    assert.deepEqual(await within(container.process.exited, 'the end'), { signal: 'SIGKILL' })
    assert.equal(readProcess(container.process.pid), undefined)
    await assert.rejects(starter.start(fixture.plan(python), python), /fallback/)
    assert.equal(fallback.started.length, 1)
    await clock.advance(250)
    assert.equal(await starter.prepare(python), undefined)
    const next = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    assert.deepEqual(await next.run({ a: 1 }), { a: 1 })
    await next.end()
  })

  test('killed while containers are being built: those starts fall back', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback })
    context.after(() => starter.close())
    await starter.prepare(python)
    const container = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    const zygote = zygoteOf(container.process)
    process.kill(zygote, 'SIGSTOP')
    const starts = Array.from({ length: 5 }, () => starter.start(fixture.plan(python), python))
    assert.equal(starter.counters.pending, 5)
    process.kill(zygote, 'SIGKILL')
    const results = await within(Promise.allSettled(starts), 'the starts')
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.equal(fallback.started.length, 5)
    assert.equal(starter.counters.pending, 0)
  })

  test('stuck: a start gives up at its deadline, the container that comes late is ended', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback, timeoutMs: 1000 })
    context.after(() => starter.close())
    await starter.prepare(python)
    const container = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    const zygote = zygoteOf(container.process)
    process.kill(zygote, 'SIGSTOP')
    await assert.rejects(within(starter.start(fixture.plan(python), python), 'the start'), /fallback/)
    process.kill(zygote, 'SIGCONT')
    const children = (): readonly string[] =>
      readFileSync(`/proc/${zygote}/task/${zygote}/children`, 'utf8').trim().split(' ')
    for (let round = 0; round < 200 && (round < 20 || children().length > 1); round++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.deepEqual(children(), [String(container.process.pid)])
    await container.end()
  })

  test('a plan that cannot be built: the reason is logged; after three the zygote takes no more, but its containers go on', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback, clock: virtualClock() })
    context.after(() => starter.close())
    await starter.prepare(python)
    const running = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    const zygote = zygoteOf(running.process)
    for (let time = 0; time < 3; time++) {
      const plan = fixture.plan(python, { cgroupProcs: ['/no/such/group'] })
      await assert.rejects(starter.start(plan, python), /fallback/)
      assert.match(fixture.warnings.join('\n'), /could not be forked .*No such file or directory: '\/no\/such\/group'/)
    }
    assert.equal(starter.counters.ready, 0)
    assert.deepEqual(await running.run({ still: 1 }), { still: 1 })
    await running.end()
    for (let round = 0; round < 200 && readProcess(zygote) !== undefined; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(readProcess(zygote), undefined, 'the zygote outlived its last container')
  })

  test('a network that needs a program of its own is not for a fork', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback })
    context.after(() => starter.close())
    await starter.prepare(python)
    const plan = fixture.plan(python, { network: 'isolated', networkCommand: ['pasta', '--'] })
    await assert.rejects(starter.start(plan, python), /fallback/)
    assert.equal(starter.counters.failures, 0)
  })

  test('close ends the zygote and everything of it, and is idempotent; later starts go the other way', async (context) => {
    const fallback = countingFallback()
    const starter = fixture.starter({ fallback })
    context.after(() => starter.close())
    await starter.prepare(python)
    const container = await initialise(await starter.start(fixture.plan(python), python), ECHO)
    const zygote = zygoteOf(container.process)
    await Promise.all([starter.close(), starter.close()])
    assert.deepEqual(await container.process.exited, { signal: 'SIGKILL' })
    assert.equal(readProcess(zygote), undefined)
    await assert.rejects(starter.start(fixture.plan(python), python), /fallback/)
  })
})
