/** Activation records over HTTP: lists with their filters, one record and its parts. */

import assert from 'node:assert/strict'
import { renderRecord } from '../../src/model/activation.ts'
import type { ActivationRecord } from '../../src/model/activation.ts'
import type { ActivationId } from '../../src/model/ids.ts'
import type { NamespaceName } from '../../src/model/names.ts'
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
    const rows = records.map((fields) => {
      const { activationId, filter, start, outcome, ...rest } = record(namespace, fields)
      IDS.set(namespace, activationId)
      return {
        activationId,
        namespace: rest.namespace,
        filter,
        start,
        statusCode: outcome.statusCode,
        document: renderRecord({ activationId, filter, start, outcome, ...rest }),
      }
    })
    await server.stores.activations.append(rows)
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
  filtered('name=', 4000, 3000, 2000, 1000),
  filtered('since=2000&upto=3000', 3000, 2000),
  filtered('since=4001'),
  filtered('skip=1&limit=2', 3000, 2000),
  filtered('limit=1', 4000),
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
  badName('a/'),
  badTime('since', 'yesterday'),
  badTime('upto', '1.5'),
  badTime('upto', ''),
  badQuery('limit=1000', 'limit', "The value '1000' is not in the range of 0 to 200 for activations."),
  badQuery('docs=x', 'docs', "'x' is not a valid Boolean value"),
])

const NEVER = 'f'.repeat(32)
const part = (suffix: string): Pick<Row, 'prepare' | 'path'> => {
  const activationId = (0xabc000 + suffix.length).toString(16).padStart(32, '0') as ActivationId
  return { prepare: store({ activationId }), path: `activations/${activationId}${suffix}` }
}

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
