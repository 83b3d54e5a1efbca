import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startPlatformGuard } from './platform-guard.ts'

const runDir = mkdtempSync(join(tmpdir(), 'stave-guard-'))
after(() => {
  rmSync(runDir, { recursive: true, force: true })
})

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

test('a guard that was closed leaves no timer that would keep the process alive', async () => {
  const before = timers()
  const guard = startPlatformGuard('/bin/sh', runDir)
  await guard.close()
  assert.equal(timers(), before)
  await guard.close()
  assert.equal(timers(), before)
})

test('a guard that could not be started is not waited for', { timeout: 900 }, async () => {
  await startPlatformGuard('/nonexistent/sh', runDir).close()
})
