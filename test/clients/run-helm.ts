/** Runs helm so that it knows of nothing but what it is given: neither plugins, repositories nor a cluster of the user's. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CommandRun } from '../e2e/executable.ts'
import { runCommand } from '../e2e/executable.ts'

export interface HelmOptions {
  /** Given to the chart, if any. */
  readonly values?: object
  /** URL of an API server, for commands that ask one. */
  readonly cluster?: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** A first run reads the whole program, 50 MB, from the disk. */
const TIMEOUT_MS = 60_000

/** `helm ARGS` at the repository's root. */
export async function runHelm(
  helm: string,
  args: readonly string[],
  { values, cluster = 'http://127.0.0.1:1' }: HelmOptions = {},
): Promise<CommandRun> {
  const home = mkdtempSync(join(tmpdir(), 'stave-helm-'))
  const kubeconfig = join(home, 'kubeconfig')
  const valuesFile = join(home, 'values.json')
  try {
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(cluster)), { mode: 0o600 })
    if (values !== undefined) writeFileSync(valuesFile, JSON.stringify(values))
    const given = values === undefined ? [] : ['--values', valuesFile]
    const env = { HOME: home, KUBECONFIG: kubeconfig }
    return await runCommand([helm, ...args, ...given], { cwd: ROOT, env, timeoutMs: TIMEOUT_MS })
  } finally {
    rmSync(home, { recursive: true })
  }
}

function kubeconfigFor(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    users: [{ name: 'test', user: {} }],
    'current-context': 'test',
  }
}
