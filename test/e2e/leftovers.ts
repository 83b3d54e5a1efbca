/** The proof that containers left nothing on the host: no process, control group, mount or directory, and nothing on the engine. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { instanceOf } from '../../src/containers/docker/instance.ts'
import { ID_LABEL, INSTANCE_LABEL } from '../../src/containers/docker/settings.ts'
import { readProcesses } from '../../src/containers/process/process-table.ts'
import { askEngine } from '../docker/engine-api.ts'
import { dockerHost } from '../docker/engine.ts'
import type { TestServer } from './server.ts'
import { PROVIDER, dispose, eventually } from './server.ts'

/** Groups of shells that wait to become containers, or have become one; so many wait at most. */
const WAITING = /^waiting-\d+$/
const SHELLS = 2

/** Fails unless what is on the host belongs to containers that the running server knows. Waits a moment for those that are going. */
export async function assertOnlyKnownContainers(server: TestServer): Promise<void> {
  let unknown: readonly string[] = []
  await eventually('containers that are on the host are known', async () => {
    const { body } = await server.admin('GET', '/admin/pool')
    const known = new Set((body as unknown as readonly { readonly id: string }[]).map(({ id }) => id))
    const found = await containersOf(server)
    unknown = found.filter((name) => !known.has(name) && !WAITING.test(name))
    // A container whose start found a shell waiting is in that shell's group.
    if (found.filter((name) => WAITING.test(name)).length > known.size + SHELLS) unknown = found
    return unknown.length === 0
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${unknown.join(', ')}`))
}

/** Ends a server and removes its directory; fails when it ended badly or left anything behind. */
export async function stopClean(server: TestServer): Promise<void> {
  try {
    assert.equal(await server.stop(), 0)
    await assertNothingLeft(server)
  } finally {
    await server.stop()
    dispose(server)
  }
}

/** Fails when a server that has ended left anything behind. */
export async function assertNothingLeft({ dataDir }: Pick<TestServer, 'dataDir'>): Promise<void> {
  if (PROVIDER === 'docker') assert.deepEqual(await onEngine(dataDir), [], 'containers')
  assert.deepEqual(directories(containerDirectory(dataDir)), [], 'directories')
  assert.deepEqual(groups(dataDir).filter(existsSync), [], 'control groups')
  assert.ok(!readFileSync('/proc/mounts', 'utf8').includes(dataDir), 'mounts')
  const processes = readProcesses().flatMap(({ pid }) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
    const environment = read(`/proc/${pid}/environ`)
    return command.includes(dataDir) || environment.includes(dataDir) ? [`${pid} ${command.slice(0, 200)}`] : []
  })
  assert.deepEqual(processes, [], 'processes')
}

async function containersOf({ dataDir }: TestServer): Promise<readonly string[]> {
  return PROVIDER === 'docker' ? onEngine(dataDir) : [...directories(containerDirectory(dataDir)), ...leaves(dataDir)]
}

/** Ids of the server's containers on the engine, in whatever state. */
async function onEngine(dataDir: string): Promise<readonly string[]> {
  const label = `${INSTANCE_LABEL}=${instanceOf({ nodeName: '', dataDir })}`
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }))
  const answer = await askEngine(dockerHost, 'GET', `/containers/json?all=true&filters=${filters}`)
  const listed = answer.json() as readonly { readonly Labels: Readonly<Record<string, string>> }[]
  return listed.map(({ Labels }) => Labels[ID_LABEL] ?? '')
}

/** Processes in the control groups of the server's containers. */
export function containerProcesses(dataDir: string): readonly number[] {
  const pids = groups(dataDir).flatMap((group) =>
    directories(group).flatMap((leaf) => read(join(group, leaf, 'cgroup.procs')).split('\n')),
  )
  return [...new Set(pids.filter((pid) => pid !== '').map(Number))]
}

function containerDirectory(dataDir: string): string {
  return join(dataDir, 'run', 'containers', 'containers')
}

function groups(dataDir: string): readonly string[] {
  return read(join(dataDir, 'run', 'containers', 'cgroups'))
    .split('\n')
    .filter((line) => line !== '')
}

function leaves(dataDir: string): readonly string[] {
  return [...new Set(groups(dataDir).flatMap((group) => directories(group)))]
}

function directories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Processes end while they are looked at.
    return ''
  }
}
