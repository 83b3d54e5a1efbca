/** A record as most are: a small result, no log, the annotations that every action has. */

import type { ActivationRecord } from '../../src/model/activation.ts'
import { SUCCESS } from '../../src/model/activation.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import type { NamespaceName } from '../../src/model/names.ts'

/** Always the same one. */
export function sampleRecord(): ActivationRecord {
  return {
    activationId: '0198c3f2a9b47d3e8f1a2b3c4d5e6f70' as ActivationId,
    namespace: 'guest' as NamespaceName,
    subject: 'guest',
    name: 'echo',
    filter: 'echo',
    version: '0.0.1',
    start: 1_755_000_000_000,
    end: 1_755_000_000_003,
    duration: 3,
    outcome: { statusCode: SUCCESS, resultJson: '{"name":"World","place":"Earth","count":42}', size: 43 },
    logsJson: '[]',
    annotationsJson:
      '[{"key":"path","value":"guest/echo"},{"key":"kind","value":"nodejs:24"},{"key":"limits","value":{"timeout":60000,"memory":256,"logs":10,' +
      '"concurrency":1}},{"key":"waitTime","value":1}]',
  }
}
