import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cgroups } from './cgroups.ts'
import { openCgroups } from './open-cgroups.ts'
import type { WaitingShells } from './waiting-shells.ts'
import { keepWaitingShells } from './waiting-shells.ts'

const probe = process.platform === 'linux' ? openCgroups(`stave-test-probe-${process.pid}`).cgroups : undefined
probe?.close()
const skip = probe === undefined && 'no control groups can be made here'
const LIMITS = { memoryMb: 256, processes: 32, cpuShare: 0.5 }

interface Bench {
  readonly shells: WaitingShells
  readonly cgroups: Cgroups
  readonly directory: string
  readonly busy: { is: boolean }
  /** Leaves below the groups. */
  leaves(): readonly string[]
}

let opened = 0

function bench(t: TestContext): Bench {
  const { cgroups } = openCgroups(`stave-test-${process.pid}-${++opened}`)
  assert.ok(cgroups !== undefined)
  const directory = mkdtempSync(join(tmpdir(), "stave shell's-"))
  const busy = { is: false }
  const log = { info: () => undefined, warn: () => undefined }
  const shells = keepWaitingShells({ sh: '/bin/sh', cgroups, directory, processes: 64, log, isBusy: () => busy.is })
  t.after(async () => {
    await shells.close()
    cgroups.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const leaves = (): readonly string[] =>
    cgroups.groups.flatMap((group) =>
      readdirSync(group, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
    )
  return { shells, cgroups, directory, busy, leaves }
}

async function until(reached: () => boolean): Promise<void> {
  for (let tried = 0; !reached(); tried++) {
    assert.ok(tried < 2000, 'it never came to that')
    await delay(5)
  }
}

describe('shells that wait to become containers', { skip }, () => {
  test('one becomes the command in its group, with these words, variables, directory and descriptors and no others', async (t) => {
    const { shells, directory } = bench(t)
    await until(() => shells.waiting === 2)
    const shell = shells.take(LIMITS)
    assert.ok(shell !== undefined)
    const file = join(directory, 'a filter')
    writeFileSync(file, 'the program')
    const script =
      'cat /proc/self/cgroup; env; pwd; cat <&4; for word; do echo "[$word]"; done; cat; echo ready >&3; exit 7'
    const words = ["it's", '$HOME `id` "x"', '', 'two\nlines']
    const environment = { GREETING: "O'Brien $PATH", PATH: '/usr/bin:/bin' }
    const { stdin, stdout, answers, exited } = shell.become({
      command: ['/bin/sh', '-c', script, 'name', ...words],
      environment,
      directory,
      seccompFile: file,
    })
    stdin.end('what is sent')
    const [said, answered, exit] = await Promise.all([text(stdout), text(answers), exited])
    assert.deepEqual(exit, { code: 7 })
    assert.equal(answered, 'ready\n')
    for (const part of words) assert.ok(said.includes(`[${part}]\n`), said)
    assert.ok(said.includes(`\nGREETING=${environment.GREETING}\n`))
    assert.ok(said.includes(`\n${directory}\nthe program[`))
    assert.ok(said.endsWith('what is sent'))
    const names = said.split('\n').flatMap((line) => /^([A-Za-z_]\w*)=/.exec(line)?.[1] ?? [])
    assert.deepEqual(
      names.filter((name) => !['GREETING', 'PATH', 'PWD', 'SHLVL', '_'].includes(name)),
      [],
    )
    assert.match(said, /waiting-\d+\n/)
    await until(() => shell.leaf.remove())
    await until(() => readdirSync(directory).length === 1)
  })

  test('the group has the limits that were asked for', async (t) => {
    const { shells } = bench(t)
    await until(() => shells.waiting === 2)
    const shell = shells.take(LIMITS)
    assert.ok(shell !== undefined)
    const bounds = shell.leaf.directories.flatMap((directory) =>
      ['memory.limit_in_bytes', 'memory.max']
        .map((name) => join(directory, name))
        .filter((path) => existsSync(path))
        .map((path) => Number(readFileSync(path, 'utf8'))),
    )
    assert.deepEqual(new Set(bounds), new Set([256 * 1024 * 1024]))
    shell.leaf.kill()
    await shell.process.exited
    await until(() => shell.leaf.remove())
  })

  test('taken ones and those that end are replaced, but not while a container is being started', async (t) => {
    const { shells, busy, leaves } = bench(t)
    await until(() => shells.waiting === 2)
    busy.is = true
    const taken = [shells.take(LIMITS), shells.take(LIMITS)]
    assert.equal(shells.take(LIMITS), undefined)
    for (const shell of taken) shell?.leaf.kill()
    await until(() => taken.every((shell) => shell?.leaf.remove() === true))
    await delay(120)
    assert.equal(shells.waiting, 0)
    busy.is = false
    await until(() => shells.waiting === 2)
    assert.equal(new Set(leaves()).size, 2)
  })

  test('the end leaves no process and no group', async (t) => {
    const { shells, leaves } = bench(t)
    await until(() => shells.waiting >= 1)
    await shells.close()
    assert.deepEqual(leaves(), [])
    await shells.close()
  })

  test('where the shell cannot start, nothing waits and nothing is left', async (t) => {
    const { cgroups, directory, leaves } = bench(t)
    const warnings: string[] = []
    const log = { info: () => undefined, warn: (_fields: object, message: string) => warnings.push(message) }
    const options = { cgroups, directory, processes: 64, log, isBusy: () => false }
    const broken = keepWaitingShells({ ...options, sh: '/bin/false' })
    await until(() => warnings.length === 3)
    await delay(120)
    assert.equal(warnings.length, 3, 'it is given up')
    assert.equal(broken.waiting, 0)
    await broken.close()
    assert.ok(new Set(leaves()).size <= 2)
  })
})
