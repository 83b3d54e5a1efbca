/**
 * Rows that need a Docker Engine run in a bench of their own, started by this one: on the engine of DOCKER_HOST, else on a private one in namespaces of its own,
 * where what the engine does to a host is gone with it. Load, limits and server are all in there, so that they reach containers by their addresses.
 */

import { join } from 'node:path'
import type { Finding } from './finding.ts'
import type { Row } from './row.ts'
import type { Workbench } from './workbench.ts'

/** Given by the outer bench to the inner one. */
export const INSIDE = 'BENCH_ON_ENGINE'
const WITH_ENGINE = 'test/docker/with-engine.ts'

/** What the inner bench prints, so far as it is taken over. */
export interface DockerReport {
  readonly machine: { readonly busyCores: number }
  readonly findings: readonly Finding[]
  readonly failures: Readonly<Record<string, string>>
  readonly skipped: Readonly<Record<string, string>>
}

export type DockerHost = { readonly dockerHost: string } | { readonly missing: string }

/** The engine of this run, from the environment that with-engine.ts makes; undefined in the outer bench. */
export function engineOfRun(env: NodeJS.ProcessEnv): DockerHost | undefined {
  if (env[INSIDE] !== '1') return undefined
  const { DOCKER_HOST: dockerHost = '', TEST_DOCKER_MISSING: missing = 'there is no engine' } = env
  if (dockerHost === '') return { missing }
  return dockerHost.startsWith('unix://')
    ? { dockerHost }
    : { missing: `the engine at ${dockerHost} may be on another machine: DOCKER_HOST has to be unix://…` }
}

/** Runs the rows in an inner bench. Rejects when that ended without a report. */
export async function runDockerRows(bench: Workbench, rows: readonly Row[]): Promise<DockerReport> {
  const { root, quick, env } = bench.options
  const inner = await bench.start(
    process.execPath,
    [
      join(root, WITH_ENGINE),
      ...[process.execPath, join(root, 'bench/run.ts'), '--json', ...(quick ? ['--quick'] : [])],
      ...rows.map(({ name }) => name),
    ],
    { env: { ...env, [INSIDE]: '1' }, graceMs: 60_000, heard: (text) => void process.stderr.write(text) },
  )
  const text = await inner.text()
  // What builds the images prints lines before the report.
  const at = text.search(/^\{$/m)
  if (at < 0) throw new Error(`the bench on an engine ended without a report: ${inner.complaints()}`)
  return JSON.parse(text.slice(at)) as DockerReport
}
