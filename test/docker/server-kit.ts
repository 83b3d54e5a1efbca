/** Whole servers on the run's engine, and what the engine lists of them. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { instanceOf } from '../../src/containers/docker/instance.ts'
import { ID_LABEL, INSTANCE_LABEL } from '../../src/containers/docker/settings.ts'
import type { TestServer } from '../e2e/server.ts'
import { dispose, startServer } from '../e2e/server.ts'
import { needEngine } from './engine-api.ts'
import { dockerHost } from './engine.ts'

/** A container as the engine lists it. */
export interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly Image: string
  readonly State: string
  readonly Labels: Readonly<Record<string, string>>
}

/** A server without stem cells, so that each container is that of an action. */
export function startDockerServer(
  flags: readonly string[] = [],
  options: { readonly dataDir?: string; readonly env?: Record<string, string> } = {},
): Promise<TestServer> {
  return startServer({
    ...options,
    flags: [
      '--containers',
      'docker',
      '--containers-stem-cells',
      '{"nodejs":0,"python":0}',
      ...['--containers-image-stem-cells', '0'],
      '--runtimes-manifest',
      localManifest(),
      ...flags,
    ],
  })
}

/** The local images without their stem cells. */
export function localManifest(): string {
  return JSON.stringify(JSON.parse(readFileSync('runtimes/local-images.json', 'utf8')), (key, value: unknown) =>
    key === 'stemCells' ? undefined : value,
  )
}

/** Everything that carries the server's label, whatever the server says of it. */
export async function listed({ dataDir }: Pick<TestServer, 'dataDir'>): Promise<readonly Listed[]> {
  const label = `${INSTANCE_LABEL}=${instanceOf({ nodeName: '', dataDir })}`
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }))
  return (await needEngine(dockerHost, 'GET', `/containers/json?all=1&filters=${filters}`)).json() as readonly Listed[]
}

/** The one container of an action that calls go to, as the engine knows it. */
export async function containerOf(server: TestServer, action: string): Promise<Listed> {
  const entries = (await server.containersOf(action)).filter(({ state }) => state === 'idle' || state === 'active')
  const all = await listed(server)
  const found = all.filter(({ Labels }) => entries.some(({ id }) => id === Labels[ID_LABEL]))
  const [only, ...others] = found
  assert.deepEqual(others, [], `containers of ${action}`)
  return only ?? assert.fail(`${action} has no container: ${JSON.stringify(entries)}, ${JSON.stringify(all)}`)
}

/** Stops it; fails when it does not end well or when anything is left on the engine. */
export async function stopDockerServer(server: TestServer): Promise<void> {
  try {
    assert.equal(await server.stop(), 0, server.output())
    assert.deepEqual(await listed(server), [], 'containers are left')
    const filters = encodeURIComponent(
      JSON.stringify({ label: [`${INSTANCE_LABEL}=${instanceOf({ nodeName: '', dataDir: server.dataDir })}`] }),
    )
    assert.deepEqual((await needEngine(dockerHost, 'GET', `/networks?filters=${filters}`)).json(), [], 'networks')
  } finally {
    await server.kill()
    dispose(server)
  }
}

/** Removes everything that carries the server's label, for a test that failed. */
export async function removeAll(server: Pick<TestServer, 'dataDir'>): Promise<void> {
  for (const { Id } of await listed(server)) await needEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1&v=1`)
}
