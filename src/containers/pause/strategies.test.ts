/** The suite of pause strategies, on this kernel's freezers, on made-up trees of control groups, and on programs and engines that behave like the real ones. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { PauseFixture, PauseSubject } from '../../../test/conformance/pause-strategy.ts'
import { describePauseStrategy } from '../../../test/conformance/pause-strategy.ts'
import { createFakeRunc } from '../../../test/fake-runc.ts'
import { createPauseModel } from '../../../test/pause-model.ts'
import { makeGroup, parseHierarchies, removeGroup, writeControl } from '../host/cgroup-files.ts'
import type { Freezer } from '../host/freezer.ts'
import { unifiedFreezer, v1Freezer } from '../host/freezer.ts'
import { createCgroupFreezer } from './cgroup-freezer.ts'
import { createEnginePause } from './engine-pause.ts'
import { noPause } from './no-pause.ts'
import { createRuncPause } from './runc.ts'

let counter = 0

function freshId(): string {
  counter++
  return `${process.pid.toString(16)}${counter.toString(16).padStart(4, '0')}`.padStart(64, 'a')
}

// This kernel: a real process in a real group, named as Docker names its own.
const hierarchies = existsSync('/proc/self/cgroup')
  ? parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
  : []
const v1 = hierarchies.find(({ controllers }) => controllers.includes('freezer'))
const v2 = hierarchies.find(({ version }) => version === 2)
const isRoot = process.getuid?.() === 0

describePauseStrategy('cgroup freezer, version 1 of this kernel', {
  skip: v1 !== undefined && isRoot ? false : 'needs root and the freezer of version 1',
  open: () => Promise.resolve(onKernel(v1?.mountPoint ?? '', join(v1?.mountPoint ?? '', '..'), v1Freezer)),
})

describePauseStrategy('cgroup freezer, version 2 of this kernel', {
  skip: v2 !== undefined && isRoot ? false : 'needs root and control groups of version 2',
  open: () => Promise.resolve(onKernel(v2?.mountPoint ?? '', v2?.mountPoint ?? '', unifiedFreezer)),
})

/** `mount` is where groups are made, `root` what the strategy takes for the place where control groups are mounted. */
function onKernel(mount: string, root: string, freezerOf: (directory: string) => Freezer): PauseFixture {
  const proc = mkdtempSync(join(tmpdir(), 'stave-proc-'))
  return {
    strategy: createCgroupFreezer({ root, proc }),
    async start(): Promise<PauseSubject> {
      const containerId = freshId()
      const group = `/stave-pause-test/${containerId}`
      const directory = `${mount}${group}`
      makeGroup(directory)
      const child = spawn('sleep', ['61'], { stdio: 'ignore' })
      const exited = once(child, 'exit')
      await once(child, 'spawn')
      const pid = child.pid ?? assert.fail('no process')
      writeControl(`${directory}/cgroup.procs`, String(pid))
      const freezer = freezerOf(directory)
      // The process's groups as the kernel shows them, the other version's left out: a test of each.
      mkdirSync(`${proc}/${pid}`)
      writeFileSync(`${proc}/${pid}/cgroup`, `6:freezer:${group}\n0::${group}\n`)
      return {
        target: { containerId, pid },
        isStopped: () => freezer.isFrozen(),
        async end() {
          if (!existsSync(directory)) return
          freezer.kill()
          await exited
          while (!removeGroup(directory)) await delay(1)
        },
      }
    },
    async close() {
      removeGroup(`${mount}/stave-pause-test`)
      rmSync(proc, { recursive: true })
      return Promise.resolve()
    },
  }
}

// Trees of plain files: what is written is what is read.
const TREES: readonly [string, string, Readonly<Record<string, string>>, string][] = [
  ['version 1', 'freezer/docker/ID', { 'freezer.state': 'THAWED' }, '6:freezer:/docker/ID\n'],
  [
    'version 1 by systemd',
    'freezer/system.slice/docker-ID.scope',
    { 'freezer.state': 'THAWED' },
    '6:freezer:/system.slice/docker-ID.scope\n',
  ],
  ['version 2', 'docker/ID', { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 1' }, '0::/docker/ID\n'],
  [
    'version 2 by systemd',
    'system.slice/docker-ID.scope',
    { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 1' },
    '0::/system.slice/docker-ID.scope\n',
  ],
  [
    'both versions, the first of them the engine’s',
    'freezer/docker/ID',
    { 'freezer.state': 'THAWED' },
    '6:freezer:/docker/ID\n0::/docker/ID\n',
  ],
]
for (const [name, path, files, cgroup] of TREES) {
  describePauseStrategy(`cgroup freezer, a tree of ${name}`, {
    open() {
      const root = mkdtempSync(join(tmpdir(), 'stave-tree-'))
      const proc = join(root, 'proc')
      return Promise.resolve({
        strategy: createCgroupFreezer({ root, proc }),
        start() {
          const containerId = freshId()
          const pid = 1000 + counter
          const directory = join(root, path.replace('ID', containerId))
          mkdirSync(directory, { recursive: true })
          mkdirSync(join(proc, String(pid)), { recursive: true })
          writeFileSync(join(proc, String(pid), 'cgroup'), cgroup.replaceAll('ID', containerId))
          for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text)
          const control = join(directory, Object.keys(files)[0] ?? '')
          return Promise.resolve({
            target: { containerId, pid },
            isStopped: () => ['FROZEN', '1'].includes(readFileSync(control, 'utf8')),
            end: () => Promise.resolve(rmSync(directory, { recursive: true, force: true })),
          })
        },
        close: () => Promise.resolve(rmSync(root, { recursive: true })),
      })
    },
  })
}

describePauseStrategy('runc, a program that behaves like it', {
  open() {
    const runc = createFakeRunc()
    return Promise.resolve({
      strategy: createRuncPause(runc),
      start() {
        const containerId = freshId()
        runc.add(containerId)
        return Promise.resolve({
          target: { containerId, pid: 1 },
          isStopped: () => runc.isPaused(containerId),
          end: () => Promise.resolve(),
        })
      },
      close: () => Promise.resolve(runc.remove()),
    })
  },
})

describePauseStrategy('docker, an engine that behaves like it', {
  open() {
    const model = createPauseModel()
    const byModel = model.strategy('docker')
    const known = new Set<string>()
    const checked = (containerId: string): { containerId: string; pid: number } => {
      if (!known.has(containerId)) throw new Error(`No such container: ${containerId}`)
      return { containerId, pid: 1 }
    }
    return Promise.resolve({
      strategy: createEnginePause({
        pauseContainer: async (containerId) => byModel.suspend(checked(containerId)),
        unpauseContainer: async (containerId) => byModel.resume(checked(containerId)),
      }),
      start() {
        const target = { containerId: freshId(), pid: 1 }
        known.add(target.containerId)
        return Promise.resolve({
          target,
          isStopped: () => model.isFrozen(target),
          end: () => Promise.resolve(void known.delete(target.containerId)),
        })
      },
      close: () => Promise.resolve(),
    })
  },
})

describePauseStrategy('none', {
  stops: false,
  open: () =>
    Promise.resolve({
      strategy: noPause,
      start: () =>
        Promise.resolve({
          target: { containerId: freshId(), pid: 1 },
          isStopped: () => false,
          end: () => Promise.resolve(),
        }),
      close: () => Promise.resolve(),
    }),
})
