/** What every way of suspending containers does (src/containers/pause/pause-strategy.ts). */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { PauseStrategy, PauseTarget } from '../../src/containers/pause/pause-strategy.ts'
import { PAUSE_NAMES } from '../../src/containers/pause/pause-strategy.ts'

/** A container to suspend, real or made up. */
export interface PauseSubject {
  readonly target: PauseTarget
  /** True while its processes are held. */
  isStopped(): boolean | Promise<boolean>
  /** Ends it, held or not. */
  end(): Promise<void>
}

export interface PauseFixture {
  readonly strategy: PauseStrategy
  start(): Promise<PauseSubject>
  close(): Promise<void>
}

export interface PauseSuite {
  readonly open: () => Promise<PauseFixture>
  /** False for the strategy that does nothing. */
  readonly stops?: boolean
  readonly skip?: string | false
}

/** A suspension that never ends would hold a container that waits to be used: none takes longer than this. */
const BOUND_MS = 11_000
const ROUNDS = 20

export function describePauseStrategy(name: string, { open, stops = true, skip = false }: PauseSuite): void {
  describe(`pause strategy: ${name}`, { skip }, () => {
    let fixture: PauseFixture
    let subject: PauseSubject

    beforeEach(async () => {
      fixture = await open()
      subject = await fixture.start()
    })
    afterEach(async () => {
      await subject.end()
      await fixture.close()
    })

    test('S2-12: a suspended container stands still, a resumed one goes on', async () => {
      assert.ok(PAUSE_NAMES.includes(fixture.strategy.name))
      assert.equal(await subject.isStopped(), false)
      await fixture.strategy.suspend(subject.target)
      assert.equal(await subject.isStopped(), stops)
      await fixture.strategy.resume(subject.target)
      assert.equal(await subject.isStopped(), false)
    })

    test('resuming one that runs does nothing', async () => {
      await fixture.strategy.resume(subject.target)
      assert.equal(await subject.isStopped(), false)
      await fixture.strategy.suspend(subject.target)
      await fixture.strategy.resume(subject.target)
      await fixture.strategy.resume(subject.target)
      assert.equal(await subject.isStopped(), false)
    })

    test(`${ROUNDS} rounds leave it as it was`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await fixture.strategy.suspend(subject.target)
        assert.equal(await subject.isStopped(), stops)
        await fixture.strategy.resume(subject.target)
      }
      assert.equal(await subject.isStopped(), false)
    })

    test('one container is suspended, another is not', async () => {
      const other = await fixture.start()
      try {
        await Promise.all([fixture.strategy.suspend(subject.target), fixture.strategy.suspend(other.target)])
        await fixture.strategy.resume(other.target)
        assert.deepEqual([await subject.isStopped(), await other.isStopped()], [stops, false])
        await fixture.strategy.resume(subject.target)
      } finally {
        await other.end()
      }
    })

    test('another object with the same ids is the same container', async () => {
      await fixture.strategy.suspend({ ...subject.target })
      await fixture.strategy.resume({ ...subject.target })
      assert.equal(await subject.isStopped(), false)
    })

    test(
      'one that is not there cannot be suspended, and the others do not notice',
      { skip: stops ? false : 'it stops none' },
      async () => {
        const nobody = { containerId: 'f'.repeat(64), pid: 0 }
        await assert.rejects(fixture.strategy.suspend(nobody))
        assert.equal(await subject.isStopped(), false)
      },
    )

    test('what is asked about one that has ended comes to an end', { timeout: BOUND_MS }, async () => {
      await subject.end()
      await Promise.allSettled([fixture.strategy.suspend(subject.target)])
      await Promise.allSettled([Promise.resolve().then(() => fixture.strategy.resume(subject.target))])
    })
  })
}
