/** Rendering an activation record: texts put together, beside parsing the parts and serialising the whole. */

import { STATUS_PHRASES, SUCCESS, renderRecord } from '../src/model/activation.ts'
import type { ActivationRecord } from '../src/model/activation.ts'
import type { Row } from './harness/row.ts'
import { microseconds } from './harness/microseconds.ts'
import { interleave, median } from './harness/statistics.ts'
import { sampleRecord } from './limits/sample-record.ts'

export const record: Row = {
  name: 'record',
  about: 'rendering an activation record, against parsing its parts and serialising the whole',
  async measure(bench) {
    const sample = sampleRecord()
    if (serialised(sample) !== renderRecord(sample)) throw new Error('the two ways do not make the same record')
    const repeats = bench.amount(100_000, 30_000)
    const { parsed, spliced } = await interleave(5, {
      parsed: () => microseconds(repeats, () => serialised(sample)),
      spliced: () => microseconds(repeats, () => renderRecord(sample)),
    })
    return [
      {
        row: 'record',
        what: 'rendering a record',
        unit: 'us',
        against: 'parse and serialise',
        limit: median(parsed),
        measured: median(spliced),
        budget: { type: 'factor', atMost: 1 },
      },
    ]
  },
}

/** The same text by JSON.parse and JSON.stringify. */
function serialised(of: ActivationRecord): string {
  const { namespace, name, version, subject, activationId, start, end, duration, outcome } = of
  return JSON.stringify({
    namespace,
    name,
    version,
    subject,
    activationId,
    start,
    end,
    duration,
    publish: false,
    response: {
      status: STATUS_PHRASES[outcome.statusCode],
      success: outcome.statusCode === SUCCESS,
      result: JSON.parse(outcome.resultJson) as unknown,
      size: outcome.size,
    },
    logs: JSON.parse(of.logsJson) as unknown,
    annotations: JSON.parse(of.annotationsJson) as unknown,
  })
}
