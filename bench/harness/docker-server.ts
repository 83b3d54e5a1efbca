/** The server on containers of the bench's engine, with a network of its own. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerTemplate, EngineApi } from '../limits/engine-api.ts'
import { openEngineApi } from '../limits/engine-api.ts'
import type { StaveServer } from './stave-server.ts'
import { startStave } from './stave-server.ts'
import type { Workbench } from './workbench.ts'

export interface DockerServer {
  readonly server: StaveServer
  readonly engine: EngineApi
  /** What the server's containers are like; one of them has been started and used. */
  readonly template: ContainerTemplate
}

/** Options of the roles that select the engine and our own images. */
export function dockerFlags(bench: Workbench): Readonly<Record<string, string>> {
  return {
    containers: 'docker',
    'runtimes-manifest': manifestWithoutStemCells(join(bench.options.root, 'runtimes/local-images.json')),
    'docker-network': `stave-bench-${process.pid}`,
  }
}

/** Of the images that were built for this run. How many stem cells there are is for the row to say, and the manifest's own numbers would win. */
function manifestWithoutStemCells(file: string): string {
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')), (key, value: unknown) =>
    key === 'stemCells' ? undefined : value,
  )
}

let servers = 0

/** Starts a server and has it make its first container. */
export async function startOnDocker(
  bench: Workbench,
  flags: Readonly<Record<string, string>> = {},
): Promise<DockerServer> {
  const network = `stave-bench-${process.pid}-${servers++}`
  const server = await startStave(bench, { ...dockerFlags(bench), 'docker-network': network, ...flags })
  await server.put('first')
  await server.call('first')
  const engine = openEngineApi(bench)
  return { server, engine, template: await engine.template(network) }
}
