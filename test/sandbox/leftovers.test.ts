/** After kill -9 of the platform the next start finds and removes every orphan; and nobody else's process is touched. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessEntry } from '../../src/containers/process/process-table.ts'
import { bootId, membersOf, readProcess, readProcesses } from '../../src/containers/process/process-table.ts'
import type { SandboxLevel } from '../../src/containers/process/settings.ts'
import { assertNothingLeft, availableLevels, openTestHost, testSpec } from './sandbox-kit.ts'
import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'

describe('S0-8: containers that a killed platform left behind', () => {
  for (const { level, missing } of availableLevels()) {
    test(`${level}: all are removed at the next start`, { skip: missing ?? false }, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'stave-data-'))
      await killPlatform(level, dataDir)
      assert.equal(readdirSync(join(dataDir, 'run', 'containers')).length, 3)
      const host = await openTestHost({ sandbox: level }, dataDir)
      assertNothingLeft(host.runDir)
      assert.deepEqual(await host.factory.list(), [])
      await host.close()
    })

    test(
      `${level}: processes end with the platform, before anybody cleans up`,
      { skip: missing ?? false },
      async () => {
        const dataDir = mkdtempSync(join(tmpdir(), 'stave-data-'))
        const orphans = await killPlatform(level, dataDir)
        assert.ok(orphans.length >= 3, `${orphans.length} processes`)
        const until = Date.now() + 5000
        let left = living(orphans)
        while (left.length > 0 && Date.now() < until) {
          await delay(20)
          left = living(orphans)
        }
        assert.deepEqual(left, [])
        await (await openTestHost({ sandbox: level }, dataDir)).close()
      },
    )
  }

  test('a record of another boot, or whose process id was given anew, kills nobody', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'stave-data-'))
    const innocent = spawn('sleep', ['65'], { stdio: 'ignore' })
    const pid = innocent.pid ?? 0
    const started = readProcess(pid)?.started ?? ''
    const records = [
      { id: 'reused', bootId: bootId(), process: { pid, started: `${started}0` } },
      { id: 'earlier-boot', bootId: 'another', process: { pid, started } },
      { id: 'never-started', bootId: bootId() },
    ]
    for (const record of records) {
      mkdirSync(join(dataDir, 'run', 'containers', record.id), { recursive: true })
      writeFileSync(
        join(dataDir, 'run', 'containers', record.id, 'record.json'),
        JSON.stringify({ ...record, labels: {}, cgroups: [] }),
      )
    }
    mkdirSync(join(dataDir, 'run', 'containers', 'cut-off'))
    writeFileSync(join(dataDir, 'run', 'containers', 'cut-off', 'record.json'), '{"id":"cut-o')
    const host = await openTestHost({}, dataDir)
    assert.deepEqual(await host.factory.list(), [])
    assert.equal(readProcess(pid)?.started, started)
    innocent.kill('SIGKILL')
    await once(innocent, 'exit')
    await host.close()
  })

  test('one process at a time has the directory', async () => {
    const host = await openTestHost()
    await assert.rejects(openTestHost({}, host.dataDir), /is in use by process \d+/)
    mkdirSync(host.dataDir, { recursive: true })
    await host.factory.create(testSpec(), deadlineIn(10_000, systemClock))
    await host.factory.stop()
    rmSync(host.dataDir, { recursive: true, force: true })
  })
})

/** Starts a platform with three containers and kills it. Resolves with the processes of its containers. */
async function killPlatform(level: SandboxLevel, dataDir: string): Promise<readonly ProcessEntry[]> {
  const platform = spawn(process.execPath, [`${import.meta.dirname}/platform-to-kill.ts`, level, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(platform.stdout, 'data')
  assert.match(String(said), /ready/)
  const { pid = 0 } = platform
  const members = membersOf(readProcesses(), pid).filter((entry) => entry.pid !== pid)
  platform.kill('SIGKILL')
  await once(platform, 'exit')
  return members
}

function living(processes: readonly ProcessEntry[]): readonly number[] {
  return processes.flatMap(({ pid, started }) => (readProcess(pid)?.started === started ? [pid] : []))
}
