import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { FakeRunc } from '../../../test/fake-runc.ts'
import { createFakeRunc } from '../../../test/fake-runc.ts'
import type { PauseModel } from '../../../test/pause-model.ts'
import { createPauseModel } from '../../../test/pause-model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { silentLogger } from '../../telemetry/logger.ts'
import { choosePause, probeFreezer } from './choose-pause.ts'
import type { OpenedPause, OpenPauseDeps } from './open-pause.ts'
import { openPause } from './open-pause.ts'
import { parseRuncVersion } from './runc-version.ts'
import { RUNC_VERSION } from '../../../test/fake-runc.ts'

const ID = 'e'.repeat(64)
const TARGET = { containerId: ID, pid: 4321 }
const OTHER_RUNC = { version: '1.0.0', commit: 'v1.0.0-0-g84113eef' }

let runc: FakeRunc
let engine: PauseModel
let cgroup = ''
const warnings: string[] = []

beforeEach(() => {
  runc = createFakeRunc()
  runc.add(ID)
  engine = createPauseModel()
  cgroup = mkdtempSync(join(tmpdir(), 'stave-cgroup-'))
  warnings.length = 0
})
afterEach(() => {
  runc.remove()
  rmSync(cgroup, { recursive: true })
})

function open(given: Partial<OpenPauseDeps> = {}): Promise<OpenedPause> {
  const log: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
  const docker = engine.strategy('docker')
  return openPause({
    wanted: 'auto',
    engine: {
      pauseContainer: (containerId) => docker.suspend({ containerId, pid: 0 }),
      unpauseContainer: async (containerId) => docker.resume({ containerId, pid: 0 }),
    },
    engineRunc: parseRuncVersion(RUNC_VERSION),
    paths: { cgroup, runc: runc.root, runcBinary: runc.binary },
    log,
    proc: join(cgroup, 'proc'),
    ...given,
  })
}

function makeFreezer(): void {
  mkdirSync(join(cgroup, `freezer/docker/${ID}`), { recursive: true })
  writeFileSync(join(cgroup, 'freezer/cgroup.procs'), '')
  writeFileSync(join(cgroup, `freezer/docker/${ID}/freezer.state`), 'THAWED')
}

const calls = (): readonly string[] => runc.calls().filter((call) => !call.includes('--version'))

describe('the choice of a strategy', () => {
  test('S2-14: the fastest that works: the freezer, else runc, else the engine', async () => {
    assert.equal((await open()).choice.chosen, 'runc')
    assert.equal((await open({ engineRunc: OTHER_RUNC })).choice.chosen, 'docker')
    makeFreezer()
    assert.equal((await open()).choice.chosen, 'cgroup')
    assert.equal((await open({ sample: TARGET })).choice.chosen, 'cgroup')
    // A container whose group is not to be found says more than the mount.
    assert.equal((await open({ sample: { containerId: 'b'.repeat(64), pid: 0 } })).choice.chosen, 'runc')
    assert.deepEqual(warnings, [])
  })

  test('S2-13: what is named is taken where it works: runc by runc, docker without one start of runc', async () => {
    makeFreezer()
    const byRunc = await open({ wanted: 'runc' })
    await byRunc.pause.suspend(TARGET)
    await byRunc.pause.resume(TARGET)
    assert.deepEqual(calls(), [`--root ${runc.root} pause ${ID}`, `--root ${runc.root} resume ${ID}`])
    const byEngine = await open({ wanted: 'docker' })
    for (let round = 0; round < 10; round++) {
      await byEngine.pause.suspend(TARGET)
      assert.ok(engine.isPaused(TARGET))
      await byEngine.pause.resume(TARGET)
    }
    assert.equal(calls().length, 2)
    assert.equal((await open({ wanted: 'none' })).choice.chosen, 'none')
    assert.deepEqual(warnings, [])
  })

  test('S2-15: a runc that is not the engine’s is a warning, and the engine suspends', async () => {
    makeFreezer()
    const { pause, choice } = await open({ wanted: 'runc', engineRunc: OTHER_RUNC })
    assert.equal(choice.chosen, 'docker')
    assert.equal(pause.chosen, 'docker')
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /this host is 1\.1\.5\+ds1 .* the engine 1\.0\.0 .*INVOKER_USE_RUNC=false/)
    await pause.suspend(TARGET)
    await pause.resume(TARGET)
    assert.deepEqual(calls(), [])
    assert.throws(() => pause.use('runc'), /this host is 1\.1\.5/)
  })

  test('S2-16, S2-17: a runc that turns out to be incompatible costs no container, and is not started again', async () => {
    const { pause } = await open({ wanted: 'runc' })
    runc.failWith('json: cannot unmarshal object into Go value of type []string')
    await assert.rejects(pause.suspend(TARGET))
    await pause.suspend(TARGET)
    assert.ok(engine.isPaused(TARGET))
    await pause.resume(TARGET)
    await pause.suspend(TARGET)
    assert.equal(calls().length, 1)
    assert.equal(warnings.filter((text) => text.includes('INVOKER_USE_RUNC')).length, 1)
  })

  test('S2-18: may change while the platform works', async () => {
    makeFreezer()
    const { pause } = await open({ wanted: 'runc' })
    await pause.suspend(TARGET)
    pause.use('docker')
    await pause.resume(TARGET)
    assert.equal(runc.isPaused(ID), false)
    const before = calls().length
    await pause.suspend(TARGET)
    await pause.resume(TARGET)
    assert.equal(calls().length, before)
  })

  test('is told with the reason why another one is not taken', async () => {
    const { choice } = await open({
      wanted: 'cgroup',
      paths: { cgroup, runc: join(cgroup, 'run/docker/runtime-runc/moby'), runcBinary: undefined },
    })
    assert.equal(choice.chosen, 'docker')
    assert.match(
      choice.warning ?? '',
      /by cgroup here, and are by docker: there are no control groups at .*docker\.pause/,
    )
    assert.match(choice.unusable.get('runc') ?? '', /no runc on this host: set docker\.paths\.runcBinary/)
    const elsewhere = { cgroup, runc: join(cgroup, 'run/docker/runtime-runc/moby'), runcBinary: runc.binary }
    assert.match((await open({ paths: elsewhere })).choice.unusable.get('runc') ?? '', /set docker\.paths\.runc$/)
    const broken = { cgroup, runc: runc.root, runcBinary: '/bin/false' }
    assert.match((await open({ paths: broken })).choice.unusable.get('runc') ?? '', /\/bin\/false does not work/)
  })

  test('of a freezer that may not be written is another one', () => {
    mkdirSync(join(cgroup, 'freezer'))
    assert.match(probeFreezer(cgroup) ?? '', /may not be written: run the platform as root/)
    const probes = { cgroup: probeFreezer(cgroup), runc: undefined }
    assert.equal(choosePause('auto', probes).chosen, 'runc')
    assert.equal(choosePause('auto', { cgroup: 'no', runc: 'no' }).chosen, 'docker')
  })
})
