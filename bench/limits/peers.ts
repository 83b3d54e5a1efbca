/** Other platforms for functions in JavaScript, run in the same rounds as Stave: workerd (one process for all functions) and Google's framework (one process a function). */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { apiClient } from '../harness/api-client.ts'
import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'

/** Where the packages were installed. */
export interface Peers {
  readonly directory: string
}

const PACKAGES = ['workerd@1.20261117.1', '@google-cloud/functions-framework@5.0.5']
const INSTALL_MS = 300_000
const READY_MS = 20_000

const WORKER = `export default {
  async fetch(request) {
    const text = JSON.stringify(await request.json())
    return new Response(text, { headers: { 'Content-Type': 'application/json', 'Content-Length': String(text.length) } })
  },
}
`
const FUNCTION = `exports.main = (req, res) => { res.json(req.body) }\n`

/** Installs the packages into `directory` unless they are there. Throws with npm's words. */
export function installPeers(directory: string): Peers {
  const complete = join(directory, PACKAGES.join('+').replaceAll('/', '_'))
  if (existsSync(complete)) return { directory }
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-audit', '--no-fund', '--save-exact', ...PACKAGES]
  const { status, stderr, error } = spawnSync('npm', args, { cwd: directory, encoding: 'utf8', timeout: INSTALL_MS })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? stderr}`)
  writeFileSync(complete, '')
  return { directory }
}

/** Starts both; resolves with where they take load. */
export async function startPeers(
  bench: Workbench,
  { directory }: Peers,
): Promise<Readonly<Record<string, LoadTarget>>> {
  const [workerd, framework] = await Promise.all([startWorkerd(bench, directory), startFramework(bench, directory)])
  return { workerd, 'functions-framework': framework }
}

async function startWorkerd(bench: Workbench, directory: string): Promise<LoadTarget> {
  const port = await freePort()
  const config = join(bench.directory(), 'config.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .echo)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const echo :Workerd.Worker = (
  modules = [(name = "worker", esModule = ${JSON.stringify(WORKER)})],
  compatibilityDate = "2026-01-01",
);
`,
  )
  await bench.start(join(directory, 'node_modules/.bin/workerd'), ['serve', config])
  return answering(port)
}

async function startFramework(bench: Workbench, directory: string): Promise<LoadTarget> {
  const port = await freePort()
  const source = bench.directory()
  writeFileSync(join(source, 'index.js'), FUNCTION)
  const executable = join(directory, 'node_modules/@google-cloud/functions-framework/build/src/main.js')
  await bench.start(process.execPath, [executable, '--target=main', `--port=${port}`, `--source=${source}`])
  return answering(port)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The target, when it answers as an echo should. */
async function answering(port: number): Promise<LoadTarget> {
  const host = '127.0.0.1'
  const client = apiClient({ host, port })
  const until = performance.now() + READY_MS
  try {
    for (;;) {
      const answer = await client.send('POST', '/', { ready: true }).catch((error: Error) => error)
      if (!(answer instanceof Error) && answer.text === '{"ready":true}') {
        return { host, port, paths: ['/'], headers: { 'Content-Type': 'application/json' } }
      }
      if (performance.now() > until)
        throw new Error(`no peer at ${port}: ${answer instanceof Error ? answer.message : answer.text}`)
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
  } finally {
    client.close()
  }
}
