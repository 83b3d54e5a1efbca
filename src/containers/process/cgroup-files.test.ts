import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { controlCount, parseHierarchies, readPids, removeGroup, tryWriteControl } from '../host/cgroup-files.ts'
import { openCgroupV2 } from './cgroup-v2.ts'
import { cpuShares, cpuWeight } from './cgroups.ts'

const HYBRID_MOUNTS = `45 40 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
46 40 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
47 40 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
48 40 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
44 20 254:0 / / rw,relatime - ext4 /dev/vda rw`

describe('control group hierarchies', () => {
  test('a hybrid host has one a controller and the unified one', () => {
    const found = parseHierarchies(
      HYBRID_MOUNTS,
      '9:name=systemd:/\n4:memory:/jobs/a1\n1:cpu,cpuacct:/\n0::/user.slice',
    )
    assert.deepEqual(
      found.map(({ version, controllers, own }) => [version, controllers.join(), own]),
      [
        [1, 'memory', '/sys/fs/cgroup/memory/jobs/a1'],
        [1, 'cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
        [2, '', '/sys/fs/cgroup/unified/user.slice'],
        [1, 'name=systemd', '/sys/fs/cgroup/systemd'],
      ],
    )
  })

  test('inside a container the mount shows a part of the hierarchy', () => {
    const mounts = '30 20 0:26 /docker/4f2 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'
    assert.equal(parseHierarchies(mounts, '5:memory:/docker/4f2')[0]?.own, '/sys/fs/cgroup/memory')
    assert.equal(parseHierarchies(mounts, '5:memory:/docker/4f2/job')[0]?.own, '/sys/fs/cgroup/memory/job')
    // Outside of what is shown: its root is the best there is.
    assert.equal(parseHierarchies(mounts, '5:memory:/../other')[0]?.own, '/sys/fs/cgroup/memory')
  })

  test('a host without control groups has none', () => {
    assert.deepEqual(parseHierarchies('44 20 254:0 / / rw,relatime - ext4 /dev/vda rw', '0::/'), [])
    assert.deepEqual(parseHierarchies('', ''), [])
  })
})

describe('control group files', () => {
  test('counts are read by key, absent files count nothing', () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-cgroup-'))
    writeFileSync(join(directory, 'memory.events'), 'low 0\nhigh 3\nmax 17\noom 2\noom_kill 1\n')
    writeFileSync(join(directory, 'cgroup.procs'), '12\n345\n')
    assert.equal(controlCount(join(directory, 'memory.events'), 'oom_kill'), 1)
    assert.equal(controlCount(join(directory, 'memory.events'), 'oom'), 2)
    assert.equal(controlCount(join(directory, 'none'), 'oom'), 0)
    assert.deepEqual(readPids(directory), [12, 345])
    assert.equal(tryWriteControl(join(directory, 'missing', 'file'), '1'), false)
    rmSync(directory, { recursive: true })
  })

  test('a group goes with the groups below it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-cgroup-'))
    mkdirSync(join(directory, 'leaf', 'inner', 'deep'), { recursive: true })
    assert.equal(removeGroup(join(directory, 'leaf')), true)
    assert.equal(removeGroup(join(directory, 'leaf')), true)
    writeFileSync(join(directory, 'busy'), '')
    assert.equal(removeGroup(directory), false)
    rmSync(directory, { recursive: true })
  })

  test('shares follow OpenWhisk’s formula, weights the usual conversion', () => {
    assert.deepEqual(
      [1, 0.25, 0.0001].map((share) => cpuShares(share)),
      [1024, 256, 2],
    )
    assert.deepEqual(
      [1, 0.25, 0.0001].map((share) => cpuWeight(share)),
      [40, 11, 1],
    )
  })
})

describe('control groups of version 2', () => {
  test('enables the controllers that there are and writes the limits', () => {
    const parent = mkdtempSync(join(tmpdir(), 'stave-cgroup-'))
    writeFileSync(join(parent, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids')
    const cgroups = openCgroupV2(parent, 'stave-test')
    assert.deepEqual(cgroups.controls, { memory: true, processes: true, cpu: true, freezer: false })
    const leaf = cgroups.create('one', { memoryMb: 256, processes: 64, cpuShare: 0.25 })
    const written = (name: string): string => readText(join(parent, 'stave-test', 'one', name))
    assert.equal(readText(join(parent, 'cgroup.subtree_control')), '+memory +pids +cpu')
    assert.equal(readText(join(parent, 'stave-test', 'cgroup.subtree_control')), '+memory +pids +cpu')
    assert.equal(written('memory.max'), String(256 * 1024 * 1024))
    assert.equal(written('memory.swap.max'), '0')
    assert.equal(written('memory.oom.group'), '1')
    assert.equal(written('pids.max'), '64')
    assert.equal(written('cpu.weight'), '11')
    leaf.freeze()
    assert.equal(written('cgroup.freeze'), '1')
    writeFileSync(join(parent, 'stave-test', 'one', 'cgroup.events'), 'populated 1\nfrozen 1\n')
    assert.equal(leaf.isFrozen(), true)
    leaf.thaw()
    assert.equal(written('cgroup.freeze'), '0')
    writeFileSync(join(parent, 'stave-test', 'one', 'memory.current'), String(300 * 1024 * 1024))
    assert.equal(leaf.setMemory(256), false)
    assert.equal(leaf.setMemory(512), true)
    assert.equal(written('memory.max'), String(512 * 1024 * 1024))
    leaf.kill()
    assert.equal(written('cgroup.kill'), '1')
    rmSync(parent, { recursive: true })
  })

  test('takes what is delegated: no CPU controller, no CPU weight', () => {
    const parent = mkdtempSync(join(tmpdir(), 'stave-cgroup-'))
    writeFileSync(join(parent, 'cgroup.controllers'), 'memory pids')
    const cgroups = openCgroupV2(parent, 'stave-test')
    assert.equal(cgroups.controls.cpu, false)
    cgroups.create('one', { memoryMb: 128, processes: 64, cpuShare: 1 })
    assert.throws(() => readText(join(parent, 'stave-test', 'one', 'cpu.weight')), { code: 'ENOENT' })
    rmSync(parent, { recursive: true })
  })
})

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
