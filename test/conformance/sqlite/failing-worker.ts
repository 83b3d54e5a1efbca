/** The stores' thread with faults on demand, for worker-client.test.ts: namespace `crash` ends it, namespace `hang` stops it for good. */

import { parentPort } from 'node:worker_threads'
import type { Request } from '../../../src/stores/sqlite/protocol.ts'

const stopped = new Int32Array(new SharedArrayBuffer(4))
parentPort?.on('message', (requests: readonly Request[]) => {
  for (const [, , operation, [namespace]] of requests) {
    if (operation === 'getLimits' && namespace === 'crash') process.exit(7)
    if (operation === 'getLimits' && namespace === 'hang') Atomics.wait(stopped, 0, 0)
  }
})
await import('../../../src/stores/sqlite/worker.ts')
