/** Activation records over HTTP: lists with their filters, one record and its parts. */

import assert from 'node:assert/strict'
import type { ActivationRecord, StatusCode } from '../../src/model/activation.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import type { NamespaceName } from '../../src/model/names.ts'
import { lineOfRecord } from '../../src/stores/activation-lines.ts'
import type { ApiServer } from './api-server.ts'
import type { Response, Row } from './table.ts'
import { describeTable } from './table.ts'

const CORS_EXPECTED = '*'
let made = 0

function record(namespace: string, fields: Partial<ActivationRecord>): ActivationRecord {
  made++
  return {
    activationId: made.toString(16).padStart(32, '0') as ActivationId,
    namespace: namespace as NamespaceName,
    subject: 'somebody',
    name: 'a',
    filter: 'a',
    version: '0.0.1',
    start: 1000,
    end: 1050,
    duration: 50,
    outcome: { statusCode: 0, resultJson: '{"x":1.0}', size: 9 },
    logsJson: '["2016-02-10T15:18:26.454914Z    stdout: hi"]',
    annotationsJson: '[{"key":"path","value":"guest/a"}]',
    ...fields,
  }
}

/** Stores records for the row; the id of the last one is `IDS[namespace]`. */
const IDS = new Map<string, string>()
const store =
  (...records: Partial<ActivationRecord>[]) =>
  async (server: ApiServer, namespace: string): Promise<void> => {
    const made = records.map((fields) => record(namespace, fields))
    for (const { activationId } of made) IDS.set(namespace, activationId)
    await append(server, ...made)
  }

async function append(server: ApiServer, ...records: ActivationRecord[]): Promise<void> {
  await server.stores.activations.appendLines(records.map((record) => lineOfRecord(record)))
}

const starts = ({ json }: Response): unknown[] => {
  assert.ok(Array.isArray(json))
  return json.map(({ start }: { start: unknown }) => start)
}
const shows =
  (...expected: number[]) =>
  (response: Response): void =>
    assert.deepEqual(starts(response), expected)

const FOUR = store(
  { start: 1000 },
  { start: 3000, filter: 'pkg/a' },
  { start: 2000, filter: 'b', name: 'b' },
  { start: 4000, filter: 'pkg/a' },
)
const filtered = (query: string, ...expected: number[]): Row => ({
  section: '8.5, 8.6',
  what: `activations?${query}`,
  prepare: FOUR,
  path: `activations?${query}`,
  status: 200,
  expect: shows(...expected),
})

const badQuery = (query: string, name: string, detail: string): Row => ({
  section: '8.6',
  what: `refuses ${query}`,
  path: `activations?${query}`,
  status: 400,
  error: `The query parameter '${name}' was malformed:\n${detail}`,
})
const badName = (name: string): Row =>
  badQuery(`name=${name}`, 'name', `Parameter may be a 'simple' name or 'package-name/simple' name: ${name}`)
const badTime = (name: string, text: string): Row =>
  badQuery(`${name}=${text}`, name, `Parameter is not a valid value for epoch seconds: ${text}`.trim())

describeTable('activation lists', [
  filtered('', 4000, 3000, 2000, 1000),
  filtered('name=a', 1000),
  filtered('name=pkg/a', 4000, 3000),
  filtered('name=pkg%2Fa', 4000, 3000),
  filtered('name=/pkg//a/', 4000, 3000),
  filtered('name=/a', 1000),
  filtered('name=', 4000, 3000, 2000, 1000),
  filtered('since=2000&upto=3000', 3000, 2000),
  filtered('since=4001'),
  filtered('skip=1&limit=2', 3000, 2000),
  filtered('limit=1', 4000),
  filtered('limit=0', 4000, 3000, 2000, 1000),
  filtered('since=2000', 4000, 3000, 2000),
  filtered('upto=1999', 1000),
  filtered('name=b&skip=1'),
  filtered('name=pkg/a&skip=1&limit=1', 3000),
  filtered('name=A'),
  filtered('name=pkg'),
  filtered('name=pk/a'),
  filtered('since=-1&unknown=x', 4000, 3000, 2000, 1000),
  {
    section: '8.5',
    what: 'a summary has neither response nor logs nor subject',
    prepare: store({ cause: 'c'.repeat(32) as ActivationId, outcome: { statusCode: 1, resultJson: '{"error":"x"}' } }),
    path: 'activations',
    status: 200,
    expect: ({ json }: Response, namespace) => {
      const expected = {
        namespace,
        name: 'a',
        version: '0.0.1',
        activationId: IDS.get(namespace),
        start: 1000,
        end: 1050,
        duration: 50,
        publish: false,
        cause: 'c'.repeat(32),
        annotations: [{ key: 'path', value: 'guest/a' }],
        statusCode: 1,
      }
      assert.deepEqual(json, [expected])
    },
  },
  {
    section: '8.5',
    what: 'a trigger’s has neither end nor duration nor status code',
    prepare: async (server, namespace) => {
      const { end: _, duration: __, ...fired } = record(namespace, { name: 't', filter: 't', annotationsJson: '[]' })
      await append(server, fired)
    },
    path: 'activations?name=t',
    status: 200,
    expect: ({ json }: Response) => {
      assert.ok(Array.isArray(json))
      const [{ activationId: _, namespace: __, ...summary }] = json as [Record<string, unknown>]
      assert.deepEqual(summary, { name: 't', version: '0.0.1', start: 1000, publish: false, annotations: [] })
    },
  },
  {
    section: '8.5, 14.22',
    what: 'the duration of a sequence is that from start to end here, the sum of its parts in its record',
    prepare: store({ start: 1000, end: 1900, duration: 700 }),
    path: 'activations',
    status: 200,
    expect: [{ start: 1000, end: 1900, duration: 900 }],
  },
  {
    section: '8.5',
    what: 'the record of a sequence has the sum',
    prepare: store({ start: 1000, end: 1900, duration: 700 }),
    path: 'activations?docs=true',
    status: 200,
    expect: [{ start: 1000, end: 1900, duration: 700 }],
  },
  {
    section: '8.5, 8.6',
    what: 'docs honour filters, skip and limit',
    prepare: FOUR,
    path: 'activations?docs=true&name=pkg/a&since=3000&skip=1&limit=5',
    status: 200,
    expect: shows(3000),
  },
  {
    section: '8.5',
    what: 'parts and wholes of a sequence lie between each other by their start',
    prepare: store(
      { start: 1000, name: 'seq', filter: 'seq' },
      { start: 1010, cause: 'c'.repeat(32) as ActivationId },
      { start: 1005, name: 'other', filter: 'other' },
    ),
    path: 'activations',
    status: 200,
    expect: shows(1010, 1005, 1000),
  },
  {
    section: '0.7',
    what: 'a namespace without activations has none, and none to count',
    path: 'activations?count=true',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { activations: 0 }),
  },
  {
    section: '0.7',
    what: 'a slash at the end lists, too',
    prepare: FOUR,
    path: 'activations/?limit=1',
    status: 200,
    expect: shows(4000),
  },
  {
    section: '8.4',
    what: 'a list of a foreign namespace',
    path: '/api/v1/namespaces/other/activations',
    status: 403,
    error: "The supplied authentication is not authorized to access 'other'.",
  },
  {
    section: '8.5',
    what: 'docs are whole records',
    prepare: store({}),
    path: 'activations?docs=true',
    status: 200,
    expect: ({ text }: Response) =>
      assert.match(text, /^\[\{.*"subject":"somebody".*"result":\{"x":1\.0\}.*stdout: hi.*\}\]$/),
  },
  {
    section: '8.5',
    what: 'count honours the filters',
    prepare: FOUR,
    path: 'activations?count=true&name=pkg/a&since=3500&limit=1',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { activations: 1 }),
  },
  {
    section: '8.5',
    what: 'count is never less than nothing',
    prepare: FOUR,
    path: 'activations?count=true&skip=9',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { activations: 0 }),
  },
  {
    section: '8.5',
    what: 'count is less skip',
    prepare: FOUR,
    path: 'activations?count=1&skip=3',
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { activations: 1 }),
  },
  {
    section: '8.5',
    what: 'docs and count exclude each other',
    path: 'activations?docs=true&count=true',
    status: 400,
    error: "The parameter 'docs' is not permitted with 'count'.",
  },
  badName('a/b/c'),
  badName('$x'),
  badName('/'),
  badTime('since', 'yesterday'),
  badTime('upto', '1.5'),
  badTime('upto', ''),
  badTime('since', '1e3'),
  badTime('since', '2026-08-05T00:00:00Z'),
  badName('/guest/pkg/a'),
  badQuery('limit=-1', 'limit', "The value '-1' is not in the range of 0 to 200 for activations."),
  badQuery('limit=x', 'limit', "The value 'x' is not an integer for activations."),
  badQuery('skip=-1', 'skip', "The value '-1' is not greater than or equal to 0 for activations."),
  badQuery('skip=1.5', 'skip', "The value '1.5' is not an integer for activations."),
  badQuery('count=x', 'count', "'x' is not a valid Boolean value"),
  badQuery('limit=1000', 'limit', "The value '1000' is not in the range of 0 to 200 for activations."),
  badQuery('docs=x', 'docs', "'x' is not a valid Boolean value"),
])

const NEVER = 'f'.repeat(32)
let parts = 0xabc000
/** A record of its own and a path into it. */
const part = (suffix: string, fields: Partial<ActivationRecord> = {}): Pick<Row, 'prepare' | 'path'> => {
  parts++
  const activationId = parts.toString(16).padStart(32, '0') as ActivationId
  return { prepare: store({ activationId, ...fields }), path: `activations/${activationId}${suffix}` }
}

const STATUSES = ['success', 'application error', 'action developer error', 'whisk internal error'] as const
const statusRow = (status: string, code: number): Row => ({
  section: '8.2',
  what: `code ${code} is ${status}; its number is not in the record`,
  ...part('/result', { outcome: { statusCode: code as StatusCode, resultJson: '{"error":"x"}' } }),
  status: 200,
  expect: (r) => assert.deepEqual(r.json, { status, success: code === 0, result: { error: 'x' } }),
})

describeTable('one activation', [
  {
    section: '8.1',
    what: 'the record as it was rendered',
    ...part(''),
    status: 200,
    expect: ({ text, headers }: Response) => {
      assert.match(text, /"response":\{"status":"success","success":true,"result":\{"x":1\.0\},"size":9\}/)
      assert.equal(headers['access-control-allow-origin'], CORS_EXPECTED)
    },
  },
  { section: '8.4', what: 'a slash at the end', ...part('/'), status: 200, expect: { duration: 50 } },
  {
    section: '8.4',
    what: 'the response',
    ...part('/result'),
    status: 200,
    expect: ({ text }: Response) =>
      assert.equal(text, '{"status":"success","success":true,"result":{"x":1.0},"size":9}'),
  },
  {
    section: '8.4',
    what: 'the logs',
    ...part('/logs'),
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { logs: ['2016-02-10T15:18:26.454914Z    stdout: hi'] }),
  },
  {
    section: '8.1',
    what: 'a record without a result has its status all the same',
    ...part('', { outcome: { statusCode: 3, resultJson: '{"error":"x"}' }, logsJson: '[]' }),
    status: 200,
    expect: { response: { status: 'whisk internal error', success: false }, logs: [] },
  },
  ...STATUSES.map(statusRow),
  {
    section: '8.4',
    what: 'the response of a record whose result is a list',
    ...part('/result', { outcome: { statusCode: 0, resultJson: '[1,{"response":{"x":2}}]', size: 24 } }),
    status: 200,
    expect: ({ text }: Response) =>
      assert.equal(text, '{"status":"success","success":true,"result":[1,{"response":{"x":2}}],"size":24}'),
  },
  {
    section: '7.5, 8.7',
    what: 'the logs of a trigger are JSON strings',
    ...part('/logs', { logsJson: JSON.stringify(['{"statusCode":0,"success":true}']) }),
    status: 200,
    expect: (r) => assert.deepEqual(r.json, { logs: ['{"statusCode":0,"success":true}'] }),
  },
  {
    section: '8.4',
    what: 'a slash after the part is another path',
    ...part('/logs/'),
    status: 404,
    error: 'The requested resource could not be found.',
  },
  {
    section: '8.4',
    what: 'other parts there are none',
    path: `activations/${NEVER}/other`,
    status: 404,
    error: 'The requested resource could not be found.',
  },
  ...['PUT', 'POST', 'DELETE'].map((method): Row => ({
    section: '8.4',
    what: `${method} is no method of an activation`,
    method,
    path: `activations/${NEVER}`,
    status: 404,
    error: 'The requested resource could not be found.',
  })),
  {
    section: '8.4',
    what: 'an id is looked at before it is looked up, parts included',
    path: `activations/${'g'.repeat(32)}/result`,
    status: 400,
    error: 'The activation id is not valid.',
  },
  {
    section: '8.4',
    what: 'an id that is not known',
    path: `activations/${NEVER}`,
    status: 404,
    error: 'The requested resource does not exist.',
  },
  {
    section: '8.4',
    what: 'too short an id',
    path: 'activations/abc',
    status: 400,
    error: 'Activation id length is 3 but must be 32.',
  },
  {
    section: '8.4',
    what: 'a dashed id',
    path: 'activations/23bc46b1-71f6-4ed5-8c54-816aa4f8c502/logs',
    status: 400,
    error: 'Activation id length is 36 but must be 32.',
  },
  {
    section: '8.4',
    what: 'upper case',
    path: `activations/${'A'.repeat(32)}`,
    status: 400,
    error: 'The activation id is not valid.',
  },
  {
    section: '8.4',
    what: 'other people’s',
    path: `/api/v1/namespaces/other/activations/${NEVER}`,
    status: 403,
    error: `The supplied authentication is not authorized to access 'other/${NEVER}'.`,
  },
  {
    section: '8.4',
    what: 'a record of another namespace is not found in one’s own',
    prepare: (server) => store({ activationId: 'e'.repeat(32) as ActivationId })(server, 'other'),
    path: `activations/${'e'.repeat(32)}`,
    status: 404,
    error: 'The requested resource does not exist.',
  },
])
