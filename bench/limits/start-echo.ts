/** The echo server as a target of load. */

import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'

/** Starts the server; `readyMs` is the time from the start of its process until it listened. */
export async function startEcho(bench: Workbench): Promise<{ readonly target: LoadTarget; readonly readyMs: number }> {
  const child = await bench.node('bench/limits/echo-server.ts')
  const { port } = JSON.parse(await child.line('"port"')) as { readonly port: number }
  const readyMs = performance.now() - child.startedAt
  const headers = { 'Content-Type': 'application/json' }
  return { target: { host: '127.0.0.1', port, paths: ['/'], headers }, readyMs }
}
