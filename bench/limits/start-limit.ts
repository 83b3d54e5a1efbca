/** The servers that Stave is compared with, as targets of load. */

import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'

export interface LimitServer {
  readonly target: LoadTarget
  /** From the start of its process until it listened. */
  readonly readyMs: number
}

/** HTTP and JSON alone. */
export function startEcho(bench: Workbench): Promise<LimitServer> {
  return startServer(bench, 'bench/limits/echo-server.ts')
}

/** HTTP and a child behind a pipe. */
export function startPipe(bench: Workbench): Promise<LimitServer> {
  return startServer(bench, 'bench/limits/pipe-server.ts')
}

async function startServer(bench: Workbench, file: string): Promise<LimitServer> {
  const child = await bench.node(file)
  const { port } = JSON.parse(await child.line('"port"')) as { readonly port: number }
  const readyMs = performance.now() - child.startedAt
  const headers = { 'Content-Type': 'application/json' }
  return { target: { host: '127.0.0.1', port, paths: ['/'], headers }, readyMs }
}
