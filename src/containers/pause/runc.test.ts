import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { FakeRunc } from '../../../test/fake-runc.ts'
import { createFakeRunc } from '../../../test/fake-runc.ts'
import { PauseUnusable } from './pause-strategy.ts'
import { createRuncPause } from './runc.ts'
import { parseRuncVersion, runcMismatch } from './runc-version.ts'

const ID = 'c'.repeat(64)
const TARGET = { containerId: ID, pid: 1 }

describe('runc', () => {
  let runc: FakeRunc
  beforeEach(() => {
    runc = createFakeRunc()
    runc.add(ID)
  })
  afterEach(() => {
    runc.remove()
  })

  test('S2-13: is called with its root, the command and the id', async () => {
    const strategy = createRuncPause(runc)
    await strategy.suspend(TARGET)
    await strategy.resume(TARGET)
    assert.deepEqual(runc.calls(), [`--root ${runc.root} pause ${ID}`, `--root ${runc.root} resume ${ID}`])
  })

  test('S2-16: the text of another version is recognised, whichever command prints it', async () => {
    const strategy = createRuncPause(runc)
    runc.failWith('json: cannot unmarshal object into Go value of type []string')
    const incompatible = (error: unknown): boolean =>
      error instanceof PauseUnusable &&
      error.scope === 'node' &&
      error.message.includes('json: cannot unmarshal object')
    await assert.rejects(strategy.suspend(TARGET), incompatible)
    await assert.rejects(async () => strategy.resume(TARGET), incompatible)
    assert.equal(runc.isPaused(ID), false)
  })

  test('any other failure is told with what it printed', async () => {
    const strategy = createRuncPause(runc)
    runc.failWith('unable to freeze')
    await assert.rejects(strategy.suspend(TARGET), (error) => {
      return error instanceof Error && !(error instanceof PauseUnusable) && /unable to freeze/.test(error.message)
    })
  })

  test('a container that it does not know hints at its root: it may be frozen all the same', async () => {
    const strategy = createRuncPause(runc)
    const stranger = { containerId: 'd'.repeat(64), pid: 1 }
    const hint = (error: unknown): boolean =>
      error instanceof PauseUnusable && error.scope === 'container' && /is docker\.paths\.runc/.test(error.message)
    await assert.rejects(strategy.suspend(stranger), hint)
    await assert.rejects(async () => strategy.resume(stranger), hint)
  })

  test('one that hangs is ended, with what it has started', async () => {
    runc.hangFor(60)
    const strategy = createRuncPause({ ...runc, timeoutMs: 200 })
    await assert.rejects(strategy.suspend(TARGET), /SIGKILL/)
  })

  test('a program that is not there cannot work for any container', async () => {
    const strategy = createRuncPause({ binary: '/nowhere/runc', root: runc.root })
    await assert.rejects(strategy.suspend(TARGET), (error) => {
      return error instanceof PauseUnusable && error.scope === 'node' && error.message.includes('/nowhere/runc')
    })
  })
})

describe('S2-15: the version of runc', () => {
  test('is read from what it prints', () => {
    const output = 'runc version 1.1.12\ncommit: v1.1.12-0-g51d5e946\nspec: 1.0.2-dev\ngo: go1.20.13\n'
    assert.deepEqual(parseRuncVersion(output), { version: '1.1.12', commit: 'v1.1.12-0-g51d5e946' })
    assert.deepEqual(parseRuncVersion('crun version 1.8.1\n'), { version: undefined, commit: undefined })
  })

  const SAME = [
    ['1.1.12', 'v1.1.12-0-g51d5e946', '1.1.12', 'v1.1.12-0-g51d5e946'],
    ['1.1.5+ds1', '1.1.5+ds1-1+deb12u1', '1.1.5+ds1', '1.1.5+ds1-1+deb12u1'],
    // What git describes, and the commit itself, shortened or not.
    ['1.1.12', 'v1.1.12-0-g51d5e946', undefined, '51d5e94601ceffbbd85688df1c928ecccbfa4685'],
    ['1.1.12', '51d5e94601ceffbbd85688df1c928ecccbfa4685', undefined, '51d5e94'],
    // Nobody tells the commit.
    ['1.1.12', undefined, '1.1.12', undefined],
    ['1.1.12', 'v1.1.12-0-g51d5e946', '1.1.12', 'N/A'],
  ] as const
  for (const [version, commit, engineVersion, engineCommit] of SAME) {
    test(`${version} (${commit}) is the engine’s ${engineVersion} (${engineCommit})`, () => {
      assert.equal(runcMismatch({ version, commit }, { version: engineVersion, commit: engineCommit }), undefined)
    })
  }

  const OTHER = [
    ['1.0.0', 'v1.0.0-0-g84113eef', '1.1.12', 'v1.1.12-0-g51d5e946', /this host is 1\.0\.0 .* the engine 1\.1\.12/],
    ['1.1.5+ds1', '1.1.5+ds1-1', '1.1.5+ds1', '1.1.5+ds1-1+deb12u1', /that of the engine/],
    ['1.1.12', 'abc', '1.1.12', 'abcdef0', /that of the engine/],
    ['1.1.12', undefined, undefined, undefined, /cannot be told/],
    [undefined, undefined, '1.1.12', 'v1.1.12-0-g51d5e946', /cannot be told/],
  ] as const
  for (const [version, commit, engineVersion, engineCommit, reason] of OTHER) {
    test(`${version} (${commit}) is not the engine’s ${engineVersion} (${engineCommit})`, () => {
      assert.match(runcMismatch({ version, commit }, { version: engineVersion, commit: engineCommit }) ?? '', reason)
    })
  }
})
