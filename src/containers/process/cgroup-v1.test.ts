import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Hierarchy } from '../host/cgroup-files.ts'
import { parseHierarchies, readControl, writeControl } from '../host/cgroup-files.ts'
import { openCgroupV1 } from './cgroup-v1.ts'
import type { CgroupLeaf } from './cgroups.ts'

const hierarchies = existsSync('/proc/self/cgroup')
  ? parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'))
  : []
const hasV1 = ['memory', 'pids', 'freezer'].every((name) =>
  hierarchies.some(({ controllers }) => controllers.includes(name)),
)
const skip = process.getuid?.() === 0 && hasV1 ? false : 'needs root and control groups of version 1'

const kinds: readonly { readonly name: string; readonly hierarchies: readonly Hierarchy[] }[] = [
  { name: 'alone', hierarchies: hierarchies.filter(({ version }) => version === 1) },
  { name: 'beside version 2', hierarchies },
]

describe('control groups of version 1 on this kernel', { skip }, () => {
  for (const { name, hierarchies } of kinds) {
    test(`${name}: limits, freezing, killing while frozen, removal`, async () => {
      const cgroups = openCgroupV1(hierarchies, `stave-test-${process.pid}`)
      assert.ok(cgroups !== undefined)
      assert.deepEqual(
        [cgroups.controls.memory, cgroups.controls.processes, cgroups.controls.freezer],
        [true, true, true],
      )
      const leaf = cgroups.create('one', { memoryMb: 64, processes: 32, cpuShare: 0.5 })
      const control = (file: string): string | undefined =>
        leaf.directories.map((directory) => readControl(`${directory}/${file}`)).find((value) => value !== undefined)
      assert.equal(control('memory.limit_in_bytes'), String(64 * 1024 * 1024))
      assert.equal(control('pids.max'), '32')
      assert.equal(leaf.setMemory(128), true)
      assert.equal(control('memory.limit_in_bytes'), String(128 * 1024 * 1024))
      assert.equal(leaf.setMemory(32), true)
      assert.equal(leaf.oomKills(), 0)
      assert.equal(leaf.canFreeze, true)

      const child = spawn('sleep', ['67'], { stdio: 'ignore' })
      const exited = once(child, 'exit')
      for (const procs of leaf.procs) writeControl(procs, String(child.pid))
      assert.deepEqual(leaf.pids(), [child.pid])
      assert.equal(leaf.remove(), false)
      leaf.freeze()
      assert.ok(await reached(leaf, true))
      leaf.thaw()
      assert.ok(await reached(leaf, false))
      leaf.freeze()
      assert.ok(await reached(leaf, true))
      leaf.kill()
      assert.deepEqual(await exited, [null, 'SIGKILL'])
      while (!leaf.remove()) await delay(1)
      assert.deepEqual(
        leaf.directories.filter((directory) => existsSync(directory)),
        [],
      )
      cgroups.close()
      assert.deepEqual(
        cgroups.groups.filter((directory) => existsSync(directory)),
        [],
      )
    })
  }

  test('limits that the kernel refuses leave nothing behind', () => {
    const cgroups = openCgroupV1(hierarchies, `stave-test-${process.pid}`)
    assert.throws(() => cgroups?.create('bad', { memoryMb: 64, processes: -5, cpuShare: 1 }))
    for (const group of cgroups?.groups ?? []) assert.equal(existsSync(`${group}/bad`), false)
    cgroups?.close()
  })
})

async function reached(leaf: CgroupLeaf, frozen: boolean): Promise<boolean> {
  for (let tried = 0; tried < 500; tried++) {
    if (leaf.isFrozen() === frozen) return true
    await delay(2)
  }
  return false
}
