/** The message of a run: texts put together, beside parsing the arguments and serialising the whole. */

import type { ActivationId, TransactionId } from '../src/model/ids.ts'
import type { RunRequest } from '../src/proxy/run-request.ts'
import { runMessage } from '../src/proxy/runtime-messages.ts'
import { microseconds } from './harness/microseconds.ts'
import type { Row } from './harness/row.ts'
import { interleave, median } from './harness/statistics.ts'
import { BODY } from './load/run-load.ts'

const DEADLINE_AT = 1_755_000_060_000

export const runMessageRow: Row = {
  name: 'run-message',
  about: 'the message that begins a run, against parsing the arguments and serialising the whole',
  async measure(bench) {
    const request = sampleRequest()
    if (serialised(request) !== runMessage(request, DEADLINE_AT))
      throw new Error('the two ways do not make the same message')
    const repeats = bench.amount(200_000, 50_000)
    const { parsed, spliced } = await interleave(5, {
      parsed: () => microseconds(repeats, () => serialised(request)),
      spliced: () => microseconds(repeats, () => runMessage(request, DEADLINE_AT)),
    })
    return [
      {
        row: 'run-message',
        what: 'the message of a run',
        unit: 'us',
        against: 'parse and serialise',
        limit: median(parsed),
        measured: median(spliced),
        budget: { type: 'factor', atMost: 1 },
      },
    ]
  },
}

function sampleRequest(): RunRequest {
  return {
    activationId: '0198c3f2a9b47d3e8f1a2b3c4d5e6f70' as ActivationId,
    transactionId: 'AbCdEfGhIjKlMnOpQrStUvWxYz012345' as TransactionId,
    program: {
      name: 'echo',
      path: '/guest/echo',
      version: '0.0.1',
      main: 'main',
      binary: false,
      timeoutMs: 60_000,
      logLimitBytes: 10_485_760,
      concurrency: 1,
      loadCode: () => Promise.resolve(undefined),
    },
    namespace: 'guest',
    apiKey: undefined,
    argumentBytes: BODY,
    initEnvironment: {},
    resultLimitBytes: 1_048_576,
    truncationBytes: 1_048_576,
  }
}

/** The same text by JSON.parse and JSON.stringify. */
function serialised({ program, ...request }: RunRequest): string {
  return JSON.stringify({
    value: JSON.parse(request.argumentBytes) as unknown,
    namespace: request.namespace,
    action_name: program.path,
    action_version: program.version,
    activation_id: request.activationId,
    transaction_id: request.transactionId,
    deadline: String(DEADLINE_AT),
  })
}
