import assert from 'node:assert/strict'
import type { JsonValue } from '../../src/model/json.ts'
import { nameOf } from '../conformance/artifact-fixtures.ts'
import { actionOf } from '../conformance/artifact-fixtures.ts'
import type { Own, WebRow } from './web-table.ts'
import { describeWebTable, webAction } from './web-table.ts'
import type { WebServer } from './web-server.ts'

/** Writes a sequence `seq` of `one` and `two`, none of which are exported, and says what they return. */
function sequence(
  annotations: Readonly<Record<string, JsonValue>> = { 'web-export': true },
): (server: WebServer, namespace: string) => Promise<void> {
  return async (server, namespace) => {
    for (const name of ['one', 'two']) await server.put(actionOf(`${namespace}/${name}`, 'code'))
    const { exec: _, ...base } = webAction(`${namespace}/seq`, annotations)
    const components = ['one', 'two'].map((name) => nameOf(`${namespace}/${name}`))
    await server.put({ ...base, exec: { type: 'sequence', components } })
    server.behaviours.set(`/${namespace}/one`, (args) => ({ value: { seen: Object.keys(args), a: args['a'] ?? 0 } }))
    server.behaviours.set(`/${namespace}/two`, (args) =>
      args['a'] === 'stop' ? { value: { error: { statusCode: 404, body: 'stopped' } } } : { value: { body: args } },
    )
  }
}

const rows: readonly WebRow[] = [
  {
    section: '5.11',
    what: 'the sequence is exported, its components need not be; the first one alone is told of the request',
    prepare: sequence(),
    path: 'OWN/default/seq?a=1',
    status: 200,
    expect: ({ json }) =>
      assert.partialDeepStrictEqual(json, {
        a: '1',
        seen: ['__ow_method', '__ow_headers', '__ow_path', 'a'],
      }),
  },
  {
    section: '5.11',
    what: 'an error of a component is projected',
    prepare: sequence(),
    path: 'OWN/default/seq?a=stop',
    status: 404,
    text: 'stopped',
  },
  {
    section: '5.11',
    what: 'a sequence that is not exported',
    prepare: sequence({ 'web-export': false }),
    path: 'OWN/default/seq',
    status: 404,
    error: 'The requested resource does not exist.',
  },
  {
    section: '5.11',
    what: 'the sequence says who may call',
    prepare: sequence({ 'require-whisk-auth': true }),
    path: 'OWN/default/seq',
    status: 401,
    error: 'Authentication is possible but has failed or not yet been provided.',
  },
  {
    section: '5.11',
    what: 'a raw sequence',
    prepare: sequence({ 'raw-http': true }),
    path: 'OWN/default/seq?a=1',
    status: 200,
    expect: (_, seen) => assert.equal(seen?.args['__ow_query'], 'a=1'),
  },
  {
    section: '5.11',
    what: 'the records are those of the sequence and of its components, all of the owner',
    prepare: sequence(),
    path: 'OWN/default/seq',
    key: 'other',
    status: 200,
    expect: (response, _, { server, namespace }: Own) => {
      const own = server.records.filter(({ record }) => record.namespace === namespace)
      assert.deepEqual(own.map(({ record }) => record.name).toSorted(), ['one', 'seq', 'two'])
      const seq = own.find(({ record }) => record.name === 'seq')
      assert.equal(response.headers['x-openwhisk-activation-id'], seq?.record.activationId)
    },
  },
]

describeWebTable('web actions: sequences', rows)
