/** Counts runs where a crash of the platform cannot reach: actions report theirs by HTTP over the host's network. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RunCounter {
  readonly port: number
  /** Runs by what they reported. */
  readonly runs: ReadonlyMap<string, number>
  close(): void
}

/** A counter on a port of this host. */
export async function runCounter(): Promise<RunCounter> {
  const runs = new Map<string, number>()
  const server = createServer((req, res) => {
    const what = (req.url ?? '').slice(1)
    runs.set(what, (runs.get(what) ?? 0) + 1)
    res.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, runs, close: () => server.close() }
}

/** An action that reports `what`, a JavaScript expression of its arguments `args`, and goes on for `ms`. */
export const reporting = (port: number, ms: number, what = 'process.env.__OW_ACTIVATION_ID'): string => `
  const http = require('http')
  function main(args) {
    return new Promise((resolve, reject) => {
      http.get('http://127.0.0.1:${port}/' + ${what}, (res) => {
        res.resume()
        setTimeout(() => resolve({ done: true }), ${ms})
      }).on('error', reject)
    })
  }`
