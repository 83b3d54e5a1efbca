import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { createCgroupFreezer, freezerState } from './cgroup-freezer.ts'
import { detectCgroupVersion, locateFreezer } from './locate-freezer.ts'
import { PauseUnusable } from './pause-strategy.ts'

const ID = '4f2'.padEnd(64, '0')
const V1 = { 'freezer.state': 'THAWED' }
const V2 = { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 0' }

let root = ''
let proc = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stave-locate-'))
  proc = join(root, 'proc')
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function group(path: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) write(`${path}/${file}`, text)
}

function locate(pid = 77): string {
  const found = locateFreezer({ root, proc }, { containerId: ID, pid })
  return 'unreachable' in found ? found.unreachable : found.freezer.directory.slice(root.length)
}

describe('S0-30: cgroup version', () => {
  test('is detected by what is mounted', () => {
    assert.equal(detectCgroupVersion(root), 'none')
    mkdirSync(join(root, 'freezer'))
    assert.equal(detectCgroupVersion(root), 'v1')
    write('unified/cgroup.controllers', '')
    assert.equal(detectCgroupVersion(root), 'hybrid')
    write('cgroup.controllers', 'cpu memory pids')
    assert.equal(detectCgroupVersion(root), 'v2')
  })
})

describe('S0-30: the freezer of a container', () => {
  test('is where its first process is, whatever the parent that the engine was given', () => {
    group(`freezer/actions/${ID}`, V1)
    write('proc/77/cgroup', `8:pids:/actions/${ID}\n6:freezer:/actions/${ID}\n0::/\n`)
    assert.equal(locate(), `/freezer/actions/${ID}`)
  })

  test('S1-5: is beside that of the platform’s own container, where process ids are not the host’s', () => {
    const own = '0a1'.padEnd(64, 'f')
    group(`freezer/actions/${ID}`, V1)
    write('proc/self/cgroup', `8:pids:/actions/${own}\n6:freezer:/actions/${own}\n0::/\n`)
    write('proc/77/cgroup', `6:freezer:/actions/${own}\n`)
    assert.equal(locate(), `/freezer/actions/${ID}`)
    rmSync(join(root, 'freezer'), { recursive: true })
    group(`system.slice/docker-${ID}.scope`, V2)
    write('proc/self/cgroup', `0::/system.slice/docker-${own}.scope\n`)
    assert.equal(locate(), `/system.slice/docker-${ID}.scope`)
  })

  test('of version 1 comes before that of version 2, which comes in its own mount or in the one', () => {
    const path = `/docker/${ID}`
    write('proc/77/cgroup', `6:freezer:${path}\n0::${path}\n`)
    group(`unified${path}`, V2)
    assert.equal(locate(), `/unified${path}`)
    group(path, V2)
    assert.equal(locate(), path)
    group(`freezer${path}`, V1)
    assert.equal(locate(), `/freezer${path}`)
  })

  test('holds what the container has made below its group', () => {
    group(`docker/${ID}`, V2)
    group(`docker/${ID}/init.scope`, V2)
    write('proc/77/cgroup', `0::/docker/${ID}/init.scope\n`)
    assert.equal(locate(), `/docker/${ID}`)
  })

  test('is found by Docker’s names where the process cannot be seen, is another one, or is outside of what is shown', () => {
    group(`system.slice/docker-${ID}.scope`, V2)
    assert.equal(locate(), `/system.slice/docker-${ID}.scope`)
    assert.equal(locate(0), `/system.slice/docker-${ID}.scope`)
    // Process ids of the platform's own: 77 is somebody else here, whom nobody must freeze.
    group('stranger', V2)
    write('proc/77/cgroup', '0::/stranger\n')
    assert.equal(locate(), `/system.slice/docker-${ID}.scope`)
    write('proc/77/cgroup', `0::/../../docker/${ID}\n`)
    assert.equal(locate(), `/system.slice/docker-${ID}.scope`)
  })

  test('that is not to be had is told with the setting that mends it', () => {
    assert.match(locate(), /there are no control groups at .*: set docker\.paths\.cgroup/)
    mkdirSync(join(root, 'freezer'))
    assert.match(locate(), /no control group of container 4f2000000000 is below .* set docker\.paths\.cgroup/)
    mkdirSync(join(root, `freezer/docker/${ID}`), { recursive: true })
    // A file that nobody may write, root included.
    symlinkSync('/proc/sys/kernel/osrelease', join(root, `freezer/docker/${ID}/freezer.state`))
    assert.match(locate(), /freezer\.state may not be written \(EACCES\): run the platform as root/)
  })

  test('is never looked for by what is no id', () => {
    for (const containerId of ['', '..', '../../x', 'a/b', 'x'.repeat(200)]) {
      const found = locateFreezer({ root, proc }, { containerId, pid: 77 })
      assert.ok('unreachable' in found && found.unreachable.includes('is no id of a container'))
    }
  })
})

describe('cgroup freezer', () => {
  test('an unreachable one is told as such, with nothing done', async () => {
    const strategy = createCgroupFreezer({ root, proc })
    const target = { containerId: ID, pid: 77 }
    const unreachable = (error: unknown): boolean => error instanceof PauseUnusable && error.scope === 'container'
    await assert.rejects(strategy.suspend(target), unreachable)
    assert.throws(() => void strategy.resume(target), unreachable)
  })

  test('thawing is done when it returns', async () => {
    group(`freezer/docker/${ID}`, V1)
    const strategy = createCgroupFreezer({ root, proc })
    const target = { containerId: ID, pid: 77 }
    const isFrozen = freezerState({ root, proc })
    await strategy.suspend(target)
    assert.equal(isFrozen(target), true)
    assert.equal(strategy.resume(target), undefined)
    assert.equal(isFrozen(target), false)
  })

  test('what has asked for a container to stop is not what says that it runs', () => {
    const target = { containerId: ID, pid: 77 }
    const isFrozen = freezerState({ root, proc })
    assert.equal(isFrozen(target), undefined)
    group(`freezer/docker/${ID}`, { 'freezer.state': 'FREEZING' })
    assert.equal(isFrozen(target), true)
  })
})
