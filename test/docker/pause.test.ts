/** Suspension of real containers: every strategy on a real engine, what each makes of what another has frozen, and races of them with removals. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseEngineAddress } from '../../src/containers/docker/engine-address.ts'
import type { EngineClient } from '../../src/containers/docker/engine-client.ts'
import { createEngineClient } from '../../src/containers/docker/engine-client.ts'
import { createEngineTransport } from '../../src/containers/docker/engine-transport.ts'
import { createCgroupFreezer, freezerState } from '../../src/containers/pause/cgroup-freezer.ts'
import { createEnginePause } from '../../src/containers/pause/engine-pause.ts'
import type { Pause } from '../../src/containers/pause/falling-back-pause.ts'
import { createPause } from '../../src/containers/pause/falling-back-pause.ts'
import { openPause } from '../../src/containers/pause/open-pause.ts'
import type { PauseName, PauseStrategy, PauseTarget } from '../../src/containers/pause/pause-strategy.ts'
import { createRuncPause } from '../../src/containers/pause/runc.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import type { PauseSubject } from '../conformance/pause-strategy.ts'
import { describePauseStrategy } from '../conformance/pause-strategy.ts'
import { dockerHost, privateEngine, skipWithoutEngine, skipWithoutPrivateEngine } from './engine.ts'
import { NODEJS_IMAGE } from './test-images.ts'

const ROUNDS = 1000
const PLACES = { root: '/sys/fs/cgroup', proc: '/proc' }
const isFrozen = freezerState(PLACES)
const runcRoot = join(privateEngine?.directory ?? '/run/docker', 'exec/runtime-runc/moby')
const runcBinary = ['/usr/bin/runc', '/usr/sbin/runc'].find((path) => existsSync(path)) ?? '/usr/bin/runc'

let client: EngineClient
let names = 0

const connected = async (): Promise<EngineClient> => {
  const made = createEngineClient(createEngineTransport(parseEngineAddress(dockerHost, '', false), 8), {
    requestMs: 60_000,
    quickMs: 10_000,
    pullMs: 60_000,
  })
  await made.connect()
  return made
}

before(async () => {
  if (skipWithoutEngine !== false) return
  client = await connected()
})
after(async () => {
  if (skipWithoutEngine === false) await client.close()
})

async function start(): Promise<PauseTarget> {
  const body = { Image: NODEJS_IMAGE, HostConfig: { NetworkMode: 'none' }, Labels: { 'org.stave.test': 'pause' } }
  const containerId = await client.createContainer(`pause-test-${process.pid}-${names++}`, body)
  await client.startContainer(containerId)
  return { containerId, pid: (await client.inspectContainer(containerId)).pid }
}

/** The same container for the suite, which asks the kernel whether it stands still. */
async function subject(): Promise<PauseSubject> {
  const target = await start()
  return {
    target,
    isStopped: () => isFrozen(target) ?? assert.fail('the freezer cannot be read'),
    async end() {
      // Whatever has frozen it: the freezer is one switch. It is gone where the container is.
      await Promise.allSettled([Promise.resolve().then(() => createCgroupFreezer(PLACES).resume(target))])
      await client.removeContainer(target.containerId)
    },
  }
}

const MAKERS: Readonly<Record<'cgroup' | 'runc' | 'docker', () => PauseStrategy>> = {
  cgroup: () => createCgroupFreezer(PLACES),
  runc: () => createRuncPause({ binary: runcBinary, root: runcRoot }),
  docker: () => createEnginePause(client),
}

for (const name of ['cgroup', 'runc', 'docker'] as const) {
  describePauseStrategy(`${name}, a real engine`, {
    // Where another engine keeps the state of runc, and whether this user may write its freezers, is not known here.
    skip: skipWithoutPrivateEngine,
    open: () => Promise.resolve({ strategy: MAKERS[name](), start: subject, close: () => Promise.resolve() }),
  })
}

function pauseBy(chosen: PauseName, strategies: readonly PauseStrategy[]): Pause {
  return createPause({ strategies, chosen, unusable: new Map(), isFrozen, log: silentLogger })
}

describe('strategies on a real engine', { skip: skipWithoutPrivateEngine }, () => {
  test('S2-14, S2-15: the probes find that all of them work, and the freezer is taken', async () => {
    const sample = await start()
    const [version, info] = await Promise.all([client.version(), client.info()])
    const { choice, pause } = await openPause({
      wanted: 'auto',
      engine: client,
      engineRunc: { version: version.runcVersion, commit: version.runcCommit ?? info.runcCommit },
      paths: { cgroup: PLACES.root, runc: runcRoot, runcBinary },
      sample,
      log: silentLogger,
    })
    assert.deepEqual([...choice.unusable], [])
    assert.equal(choice.chosen, 'cgroup')
    await pause.suspend(sample)
    assert.equal(isFrozen(sample), true)
    assert.equal(pause.resume(sample), undefined)
    assert.equal(isFrozen(sample), false)
    await client.removeContainer(sample.containerId)
  })

  for (const by of ['cgroup', 'runc', 'docker'] as const) {
    for (const other of ['cgroup', 'runc', 'docker'] as const) {
      if (by === other) continue
      test(`what ${by} has frozen and cannot resume is tried by ${other}; said to run is only what runs`, async () => {
        const target = await start()
        const broken: PauseStrategy = { ...MAKERS[by](), resume: () => Promise.reject(new Error('broken')) }
        const pause = pauseBy(by, [broken, MAKERS[other]()])
        await pause.suspend(target)
        assert.equal(isFrozen(target), true)
        const outcome = await Promise.allSettled([Promise.resolve(pause.resume(target))])
        // The engine goes by its own opinion of the container and undoes nothing that it has not done.
        assert.equal(outcome[0].status, other === 'docker' ? 'rejected' : 'fulfilled')
        assert.equal(isFrozen(target), other === 'docker')
        await MAKERS.cgroup().resume(target)
        await client.removeContainer(target.containerId)
        await assert.rejects(client.inspectContainer(target.containerId), /No such container/)
      })
    }

    test(`S2-17: one that an earlier process froze by ${by} is thawed and goes at once`, async () => {
      const target = await start()
      await MAKERS[by]().suspend(target)
      const pause = pauseBy('cgroup', [MAKERS.cgroup(), MAKERS.docker()])
      assert.equal(await pause.thawLeftover(target, by === 'docker'), true)
      const { running, paused } = await client.inspectContainer(target.containerId)
      assert.deepEqual([running, paused, isFrozen(target)], [true, false, false])
      await client.removeContainer(target.containerId)
    })
  }

  test('S2-16: a runc that looks in the wrong place leaves the container running, and says which setting is wrong', async () => {
    const target = await start()
    const astray = createRuncPause({ binary: runcBinary, root: '/nowhere' })
    const pause = pauseBy('runc', [astray, MAKERS.docker()])
    await assert.rejects(pause.suspend(target), /docker\.paths\.runc \(\/nowhere\)/)
    assert.equal(isFrozen(target), false)
    await client.removeContainer(target.containerId)
  })

  test('one that ended while it was suspended is no trouble', async () => {
    const target = await start()
    const pause = pauseBy('cgroup', [MAKERS.cgroup(), MAKERS.docker()])
    await pause.suspend(target)
    process.kill(target.pid, 'SIGKILL')
    assert.equal(await pause.thaw(target), true)
    await client.removeContainer(target.containerId)
    assert.equal(await pause.thaw(target), true)
  })
})

describe('races', { skip: skipWithoutPrivateEngine }, () => {
  /**
   * `rounds` of arrivals (resume) that meet suspensions under way; now and then one is removed in the middle of it. A suspension may fail (runc gives up on a
   * container that makes threads meanwhile); then the container runs.
   */
  async function race(pause: Pause, rounds: number): Promise<number> {
    let removed = 0
    let targets = await Promise.all(Array.from({ length: 4 }, start))
    for (let round = 0; round < rounds; round++) {
      const target = targets[round % targets.length] ?? assert.fail('no container')
      const removes = round % 50 === 49
      const suspended = Promise.allSettled([pause.suspend(target)])
      if (removes) {
        // A removal thaws first, whatever is under way.
        await Promise.all([suspended, pause.thaw(target)])
        assert.notEqual(isFrozen(target), true)
        await client.removeContainer(target.containerId)
        pause.forget(target)
        removed++
        const fresh = await start()
        targets = targets.map((each) => (each === target ? fresh : each))
      } else {
        await Promise.all([suspended, Promise.resolve(pause.resume(target))])
        assert.equal(isFrozen(target), false)
      }
    }
    for (const target of targets) {
      assert.equal(await pause.thaw(target), true)
      await client.removeContainer(target.containerId)
    }
    return removed
  }

  for (const [by, rounds] of [
    ['cgroup', ROUNDS],
    ['docker', ROUNDS / 5],
    ['runc', ROUNDS / 5],
  ] as const) {
    test(`S2-12: ${rounds} arrivals and removals during suspensions by ${by} leave nothing frozen`, async () => {
      const pause = pauseBy(by, [MAKERS.cgroup(), MAKERS.runc(), MAKERS.docker()])
      assert.equal(await race(pause, rounds), rounds / 50)
      const { suspends, suspendFailures, rejectedResumes, uncertain } = pause.counters
      assert.deepEqual([suspends + suspendFailures[by], rejectedResumes, uncertain], [rounds, 0, 0])
      // The freezer itself is asked until it has got them all.
      assert.equal(suspendFailures.cgroup, 0)
      const left = await client.listContainers(['org.stave.test=pause'])
      assert.deepEqual(left, [])
    })
  }
})

test('the groups of containers are where /proc says', { skip: skipWithoutPrivateEngine }, async () => {
  const target = await start()
  assert.match(readFileSync(`/proc/${target.pid}/cgroup`, 'utf8'), new RegExp(target.containerId))
  await client.removeContainer(target.containerId)
})
