/** Faults of everything that a start depends on: whatever fails, hangs or comes late, the caller gets one answer and nothing stays behind. */

import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ContainerStartError } from '../../src/containers/container-factory.ts'
import type { StartedProcess, StartProcess } from '../../src/containers/process/started-process.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { assertNothingLeft, availableLevels, inside, isRoot, openTestHost, testSpec } from './sandbox-kit.ts'

describe('S0-8: faults of starts', () => {
  const faults: readonly { title: string; start: (direct: StartProcess) => StartProcess; failure: string }[] = [
    {
      title: 'the process cannot be started',
      start: () => () => Promise.reject(new Error('no more processes')),
      failure: 'startFailed',
    },
    {
      title: 'the start hangs for ever',
      start: () => () => new Promise(() => undefined),
      failure: 'timedOut',
    },
    {
      title: 'the process comes after the deadline',
      start: (direct) => async (plan, launcher) => {
        await delay(900)
        return direct(plan, launcher)
      },
      failure: 'timedOut',
    },
    {
      title: 'the process closes its answers and stays',
      start: (direct) => async (plan, launcher) => {
        const process = await direct(plan, launcher)
        process.answers.destroy()
        return process
      },
      failure: 'startFailed',
    },
    {
      title: 'the process is killed while it starts',
      start: (direct) => async (plan, launcher) => {
        const started: StartedProcess = await direct(plan, launcher)
        process.kill(started.pid, 'SIGKILL')
        return started
      },
      failure: 'startFailed',
    },
  ]
  for (const { title, start, failure } of faults) {
    test(`${title}: one failure, nothing left`, async () => {
      const host = await openTestHost({ startTimeoutMs: 700 }, undefined, start)
      const spec = testSpec({ kind: 'test:zygote' })
      await assert.rejects(host.factory.create(spec, deadlineIn(20_000, systemClock)), (error) => {
        assert.ok(error instanceof ContainerStartError, String(error))
        assert.equal(error.failure, failure, error.message)
        return true
      })
      assert.deepEqual(await host.factory.list(), [])
      assert.equal(host.factory.metrics.startFailures, 1)
      // The one that comes late is killed when it comes.
      await delay(failure === 'timedOut' ? 600 : 0)
      assertNothingLeft(host.runDir)
      await host.close()
    })
  }

  test(
    'all users taken: no capacity, and a place again when one is given back',
    { skip: isRoot ? false : 'needs root' },
    async () => {
      const host = await openTestHost({ uidCount: 1 })
      const soon = (): { readonly at: number } => deadlineIn(20_000, systemClock)
      const first = await host.factory.create(testSpec(), soon())
      await assert.rejects(host.factory.create(testSpec(), soon()), (error) => {
        assert.ok(error instanceof ContainerStartError)
        return error.failure === 'noCapacity'
      })
      await first.destroy()
      await (await host.factory.create(testSpec(), soon())).destroy()
      await host.close()
    },
  )

  test('an id that is no file name is refused', async () => {
    const host = await openTestHost()
    for (const id of ['../../etc', 'a/b', '', '.', '-rf', 'x'.repeat(200)]) {
      const { id: wanted } = { id: id as ReturnType<typeof testSpec>['id'] }
      await assert.rejects(
        host.factory.create(testSpec({ id: wanted }), deadlineIn(5000, systemClock)),
        /not fit for a path/,
      )
      await host.factory.remove(wanted)
    }
    await host.close()
  })
})

describe('places of the host', () => {
  for (const { level, missing } of availableLevels()) {
    test(
      `${level}: a data directory with blanks and other oddities in its name`,
      { skip: missing ?? false },
      async () => {
        const base = mkdtempSync(join(tmpdir(), 'stave-odd-'))
        const host = await openTestHost({ sandbox: level }, join(base, 'my data #1 \\ "x" ü'))
        assert.deepEqual(await inside(host.factory, 'return { fine: true }'), { fine: true })
        await host.close()
        rmSync(base, { recursive: true })
      },
    )

    const skip =
      missing ?? (isRoot && level !== 'none' ? false : 'plain processes and ordinary users see what they may read')
    test(
      `${level}: as root, interpreter and launcher below a directory that only root may enter`,
      { skip },
      async () => {
        const base = mkdtempSync(join(tmpdir(), 'stave-private-'))
        const clone = join(base, 'clone')
        mkdirSync(join(clone, 'bin'), { recursive: true })
        cpSync(process.execPath, join(clone, 'bin', 'node'))
        cpSync(join(import.meta.dirname, 'test-launcher.cjs'), join(clone, 'test-launcher.cjs'))
        chmodSync(base, 0o700)
        const host = await openTestHost({ sandbox: level }, join(base, 'data'), undefined, clone)
        assert.deepEqual(await inside(host.factory, 'return { fine: true }'), { fine: true })
        await host.close()
        rmSync(base, { recursive: true })
      },
    )
  }

  test('a run directory that cannot be made fails the start', async () => {
    const base = mkdtempSync(join(tmpdir(), 'stave-file-'))
    writeFileSync(join(base, 'data'), 'a file')
    await assert.rejects(openTestHost({}, join(base, 'data')), /ENOTDIR|EEXIST/)
    rmSync(dirname(join(base, 'data')), { recursive: true })
  })
})
