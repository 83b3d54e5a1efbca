import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { Fault, PauseModel } from '../../../test/pause-model.ts'
import { createPauseModel } from '../../../test/pause-model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { silentLogger } from '../../telemetry/logger.ts'
import type { Pause } from './falling-back-pause.ts'
import { createPause } from './falling-back-pause.ts'
import type { PauseName } from './pause-strategy.ts'

const A = { containerId: 'a', pid: 1 }
const B = { containerId: 'b', pid: 2 }

interface Setup {
  readonly model: PauseModel
  readonly pause: Pause
  /** Warnings, as they were logged. */
  readonly warnings: string[]
}

function setup(
  chosen: PauseName,
  names: readonly PauseName[] = ['cgroup', 'runc', 'docker', 'none'],
  probe = true,
): Setup {
  const model = createPauseModel()
  const warnings: string[] = []
  const log: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
  const pause = createPause({
    strategies: names.map((name) => model.strategy(name)),
    chosen,
    unusable: new Map(),
    isFrozen: (target) => (probe ? model.isFrozen(target) : undefined),
    log,
  })
  return { model, pause, warnings }
}

/** The faults of successive calls, then none. */
function faults(model: PauseModel, ...given: readonly Fault[]): void {
  const left = [...given]
  model.nextFault = () => left.shift() ?? 'none'
}

describe('suspension', () => {
  test('suspends once, resumes once, and does nothing to what is not suspended', async () => {
    const { model, pause } = setup('cgroup')
    assert.equal(pause.resume(A), undefined)
    await Promise.all([pause.suspend(A), pause.suspend(A)])
    await pause.suspend(A)
    assert.ok(model.isFrozen(A))
    assert.equal(pause.resume(A), undefined)
    assert.ok(!model.isFrozen(A))
    assert.deepEqual(model.calls, ['cgroup suspend a', 'cgroup resume a'])
    assert.deepEqual([pause.counters.suspends, pause.counters.resumes], [1, 1])
  })

  test('a resume during a suspension waits for it', async () => {
    const { model, pause } = setup('docker')
    const suspended = pause.suspend(A)
    await pause.resume(A)
    await suspended
    assert.deepEqual(model.calls, ['docker suspend a', 'docker resume a'])
    assert.ok(!model.isFrozen(A))
  })

  test('S2-17: 100 failed suspensions leave the container running', async () => {
    const { model, pause } = setup('runc')
    model.nextFault = (_, call) => (call === 'suspend' ? 'after' : 'none')
    for (let round = 0; round < 100; round++) {
      await assert.rejects(pause.suspend(A), /runc failed after/)
      assert.ok(!model.isFrozen(A))
    }
    assert.equal(pause.counters.suspendFailures.runc, 100)
    assert.equal(pause.counters.fallBacks, 0)
  })

  test('one that may be half suspended counts as suspended: whoever wants to use it resumes it', async () => {
    const { model, pause, warnings } = setup('docker', ['docker', 'none'], false)
    faults(model, 'after', 'before')
    await pause.suspend(A)
    assert.equal(pause.counters.uncertain, 1)
    assert.match(warnings.join(), /may be half suspended/)
    await pause.resume(A)
    assert.ok(!model.isFrozen(A))
  })
})

describe('S2-17: a failed resume', () => {
  for (const by of ['cgroup', 'runc', 'docker'] as const) {
    test(`by ${by} is tried once by another strategy`, async () => {
      const { model, pause } = setup(by)
      await pause.suspend(A)
      faults(model, 'before')
      await pause.resume(A)
      assert.ok(!model.isFrozen(A))
      assert.equal(model.calls.length, 3)
      assert.equal(pause.counters.resumeFailures[by], 1)
      assert.deepEqual([pause.counters.retries, pause.counters.rejectedResumes, pause.counters.resumes], [1, 0, 1])
    })
  }

  test('is no more than that: the second failure is the caller’s to know', async () => {
    const { model, pause } = setup('cgroup')
    await pause.suspend(A)
    faults(model, 'before', 'before')
    await assert.rejects(async () => pause.resume(A), /cgroup failed before/)
    assert.deepEqual(model.calls, ['cgroup suspend a', 'cgroup resume a', 'runc resume a'])
    assert.equal(pause.counters.rejectedResumes, 1)
    assert.ok(await pause.thaw(A))
    assert.ok(!model.isFrozen(A))
  })

  test('is not mended by an engine that does not know of the suspension, unless the kernel says that it is over', async () => {
    for (const probe of [true, false]) {
      const { model, pause } = setup('cgroup', ['cgroup', 'docker', 'none'], probe)
      await pause.suspend(A)
      faults(model, 'before')
      await assert.rejects(async () => pause.resume(A))
      await pause.suspend(A)
      // It was thawed before it failed: only the kernel can tell.
      faults(model, 'after')
      if (probe) await pause.resume(A)
      else await assert.rejects(async () => pause.resume(A))
    }
  })
})

describe('fall-back', () => {
  test('S2-16: an incompatible runc is given up at its first word, and the log names INVOKER_USE_RUNC once', async () => {
    const { model, pause, warnings } = setup('runc')
    model.nextFault = (name) => (name === 'runc' ? 'node' : 'none')
    await Promise.all([assert.rejects(pause.suspend(A)), assert.rejects(pause.suspend(B))])
    assert.ok(!model.isFrozen(A) && !model.isFrozen(B))
    assert.equal(pause.chosen, 'cgroup')
    await pause.suspend(A)
    assert.ok(model.isFrozen(A))
    assert.equal(model.calls.filter((call) => call.startsWith('runc')).length, 2)
    assert.equal(pause.counters.fallBacks, 1)
    assert.equal(warnings.filter((text) => text.includes('INVOKER_USE_RUNC=false')).length, 1)
  })

  test('a freezer that is out of reach for the first three containers is given up', async () => {
    const { model, pause } = setup('cgroup')
    model.nextFault = (name) => (name === 'cgroup' ? 'container' : 'none')
    for (let round = 0; round < 3; round++) {
      assert.equal(pause.chosen, 'cgroup')
      await assert.rejects(pause.suspend(A))
    }
    assert.equal(pause.chosen, 'runc')
    assert.deepEqual([pause.counters.fallBacks, pause.counters.suspendFailures.cgroup], [1, 3])
    await pause.suspend(A)
    assert.ok(model.isFrozen(A))
  })

  test('one that has worked stays: what it does not reach is containers that have ended', async () => {
    const { model, pause } = setup('cgroup')
    await pause.suspend(B)
    model.nextFault = () => 'container'
    for (let round = 0; round < 10; round++) await assert.rejects(pause.suspend(A))
    assert.deepEqual([pause.chosen, pause.counters.fallBacks], ['cgroup', 0])
  })
})

describe('S2-18: a change of strategy at run time', () => {
  test('holds from the next suspension; what is suspended is resumed by what did it', async () => {
    const { model, pause } = setup('runc')
    await pause.suspend(A)
    assert.equal(pause.use('docker'), 'docker')
    await pause.suspend(B)
    await pause.resume(A)
    await pause.resume(B)
    assert.deepEqual(model.calls, ['runc suspend a', 'docker suspend b', 'runc resume a', 'docker resume b'])
    assert.equal(pause.use('auto'), 'cgroup')
  })

  test('to one that does not work here is refused with the reason; one that was given up is tried anew', async () => {
    const model = createPauseModel()
    const pause = createPause({
      strategies: [model.strategy('cgroup'), model.strategy('docker')],
      chosen: 'cgroup',
      unusable: new Map([['runc', 'there is no runc on this host']]),
      isFrozen: () => undefined,
      log: silentLogger,
    })
    assert.throws(() => pause.use('runc'), /suspended by runc here: there is no runc on this host/)
    assert.throws(() => pause.use('none'), /it is not there/)
    faults(model, 'node')
    await assert.rejects(pause.suspend(A))
    assert.equal(pause.chosen, 'docker')
    assert.equal(pause.use('cgroup'), 'cgroup')
  })
})

describe('thaw before stop and removal', () => {
  test('waits for a suspension under way, asks every strategy that may help, and never rejects', async () => {
    const { model, pause } = setup('docker')
    const suspended = pause.suspend(A)
    assert.ok(await pause.thaw(A))
    await suspended
    assert.ok(!model.isFrozen(A))
    await pause.suspend(A)
    model.nextFault = () => 'before'
    assert.equal(await pause.thaw(A), false)
    assert.deepEqual(model.calls.slice(-3), ['docker resume a', 'cgroup resume a', 'runc resume a'])
    model.nextFault = () => 'none'
    assert.equal(await pause.thaw(A), true)
    assert.ok(!model.isFrozen(A))
    // It runs: nobody is asked.
    const before = model.calls.length
    assert.equal(await pause.thaw(A), true)
    assert.equal(model.calls.length, before)
  })

  for (const by of ['cgroup', 'runc', 'docker'] as const) {
    test(`a container that an earlier process froze by ${by} is thawed`, async () => {
      const { model, pause } = setup('cgroup', ['cgroup', 'docker', 'none'])
      await model.strategy(by).suspend(A)
      assert.equal(await pause.thawLeftover(A, by === 'docker'), true)
      assert.ok(!model.isFrozen(A))
      assert.ok(!model.isPaused(A))
    })
  }

  test('of one that nothing can reach is told', async () => {
    const { model, pause } = setup('docker', ['docker', 'none'], false)
    await model.strategy('cgroup').suspend(A)
    assert.equal(await pause.thawLeftover(A, false), false)
  })

  test('S1-5: one that the engine has paused is thawed where no freezer can be read, as by an ordinary user', async () => {
    const { model, pause } = setup('docker', ['docker', 'none'], false)
    await model.strategy('docker').suspend(A)
    assert.equal(await pause.thawLeftover(A, true), true)
    assert.ok(!model.isFrozen(A))
  })
})

describe('whatever fails', () => {
  const fault = fc.constantFrom<Fault>('none', 'none', 'before', 'after', 'container', 'node')
  const step = fc.record({
    act: fc.constantFrom('suspend', 'suspend', 'resume', 'resume', 'thaw', 'use'),
    target: fc.constantFrom(A, B),
    name: fc.constantFrom<PauseName | 'auto'>('cgroup', 'runc', 'docker', 'none', 'auto'),
    faults: fc.array(fault, { maxLength: 4 }),
    together: fc.boolean(),
  })
  const some = fc.subarray<PauseName>(['cgroup', 'runc', 'docker'], { minLength: 1 })

  test('S2-17: no container is frozen and believed running, and no resume has more than one second attempt', async () => {
    await fc.assert(
      fc.asyncProperty(some, fc.boolean(), fc.array(step, { maxLength: 30 }), async (names, probe, steps) => {
        const { model, pause } = setup(names[0] ?? 'none', [...names, 'none'], probe)
        /** Those that a user of the interface must resume before use. */
        const suspended = new Set<string>()
        let given: Fault[] = []
        model.nextFault = () => given.shift() ?? 'none'
        for (const { act, target, name, faults, together } of steps) {
          given = [...faults]
          const { containerId } = target
          const before = model.calls.length
          if (act === 'use') {
            try {
              pause.use(name)
            } catch {
              // Not to be had here.
            }
          } else if (act === 'suspend') {
            const suspensions = together ? [pause.suspend(target), pause.suspend(target)] : [pause.suspend(target)]
            const outcomes = await Promise.allSettled(suspensions)
            if (outcomes.every(({ status }) => status === 'fulfilled')) suspended.add(containerId)
            else assert.ok(!suspended.has(containerId), 'a suspended container was said to run')
          } else if (act === 'thaw') {
            if (await pause.thaw(target)) suspended.delete(containerId)
          } else {
            const outcome = await Promise.allSettled([Promise.resolve().then(() => pause.resume(target))])
            if (outcome[0].status === 'fulfilled') suspended.delete(containerId)
            const resumes = model.calls.slice(before).filter((call) => call.includes(' resume '))
            assert.ok(resumes.length <= 2, resumes.join())
          }
          for (const each of [A, B])
            assert.ok(
              suspended.has(each.containerId) || !model.isFrozen(each),
              `${each.containerId} is frozen after ${act}`,
            )
        }
        // Once nothing fails any more, all of them can be thawed where the freezer or runc is there.
        given = []
        for (const each of [A, B]) {
          const thawed = await pause.thaw(each)
          if (thawed) assert.ok(!model.isFrozen(each))
          if (names.includes('cgroup') || names.includes('runc')) assert.ok(thawed)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
