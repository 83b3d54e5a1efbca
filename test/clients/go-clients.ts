/**
 * Clients in Go, built from the module proxy at the exact versions that their go.mod and go.sum name, once for each of these: OpenWhisk's `wsk` and `wskdeploy`,
 * and `helm`, which renders the chart. `node test/clients/go-clients.ts` builds them ahead of the tests.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTool } from '../../src/containers/host/find-tool.ts'

const CLIENTS = {
  wsk: { module: 'github.com/sciabarracom/openwhisk-cli', flags: ['-X', 'main.CLI_BUILD_TIME=1.2.0'] },
  wskdeploy: { module: 'github.com/apache/openwhisk-wskdeploy', flags: ['-X', 'main.Version=1.2.0'] },
  // The newest that Go 1.19 builds, which is Debian 12's. What it takes a cluster for that it does not ask is set as helm's own build does.
  helm: {
    module: 'helm.sh/helm/v3/cmd/helm',
    flags: [
      'internal/version.version=v3.13.3',
      'pkg/lint/rules.k8sVersionMajor=1',
      'pkg/lint/rules.k8sVersionMinor=28',
      'pkg/chartutil.k8sVersionMajor=1',
      'pkg/chartutil.k8sVersionMinor=28',
    ].flatMap((value) => ['-X', `helm.sh/helm/v3/${value}`]),
  },
} as const

/** Path of the program, or why there is none. */
export type GoClient =
  | { readonly path: string; readonly missing: false }
  | { readonly path: ''; readonly missing: string }

const HERE = fileURLToPath(new URL('.', import.meta.url))
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/go-clients/', import.meta.url))
/** On a machine that has to fetch all modules first. */
const BUILD_MS = 600_000

/** The client, built where it is not there yet: half a minute the first time, and three for helm. */
export function goClient(name: keyof typeof CLIENTS): GoClient {
  const { module, flags } = CLIENTS[name]
  const directory = join(HERE, name)
  const version = createHash('sha256').update(JSON.stringify({ module, flags }))
  for (const file of ['go.mod', 'go.sum']) version.update(readFileSync(join(directory, file)))
  const path = join(CACHE, `${name}-${version.digest('hex').slice(0, 16)}`)
  if (existsSync(path)) return { path, missing: false }
  const go = goCommand()
  if (go === undefined) return { path: '', missing: 'there is no Go to build it with: apt-get install golang-go' }
  mkdirSync(CACHE, { recursive: true })
  const draft = `${path}.${process.pid}`
  const { status, stderr, error } = spawnSync(
    go,
    ['build', '-mod=readonly', '-buildvcs=false', '-ldflags', ['-s', '-w', ...flags].join(' '), '-o', draft, module],
    {
      cwd: directory,
      encoding: 'utf8',
      timeout: BUILD_MS,
      // Neither a C compiler nor another version of Go is looked for.
      env: { HOME: homedir(), ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '', GO111MODULE: 'on' },
    },
  )
  if (status !== 0) return { path: '', missing: `it could not be built: ${error?.message ?? lastLine(stderr)}` }
  renameSync(draft, path)
  return { path, missing: false }
}

/** Where its installers put it, which not every service has in its PATH. */
function goCommand(): string | undefined {
  return findTool('go') ?? ['/usr/local/go/bin/go'].find((path) => existsSync(path))
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of ['wsk', 'wskdeploy', 'helm'] as const) {
    const { path, missing } = goClient(name)
    process.stdout.write(`${name}: ${missing === false ? path : missing}\n`)
  }
}
