/** Each action of the system's packages, run by the launcher of the Node.js runtime: results, errors and log lines of runtimes.md 4.6. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Answer } from '../runtimes/nodejs/drive-launcher.ts'
import { describeOnEveryNode } from '../runtimes/nodejs/every-node.ts'
import type { SystemAction, SystemPackage } from '../src/management/system-packages.ts'
import { readSystemPackages } from '../src/management/system-packages.ts'

const packages = new Map<string, SystemPackage>((await readSystemPackages()).map((entry) => [entry.name, entry]))

interface Row {
  /** `utils/echo`. */
  readonly action: string
  readonly what: string
  readonly args: object
  readonly result: unknown
  /** What it prints on standard output, whole. */
  readonly logs?: string
}

const HOST = 'https://api.example'

const ROWS: readonly Row[] = [
  { action: 'utils/echo', what: 'any object', args: { a: [1, { b: null }] }, result: { a: [1, { b: null }] } },
  { action: 'utils/echo', what: 'nothing', args: {}, result: {} },
  {
    action: 'utils/cat',
    what: 'lines',
    args: { lines: ['a', 2], other: 1 },
    result: { lines: ['a', 2], payload: 'a\n2' },
    logs: 'cat: returning {"lines":["a",2],"payload":"a\\n2"}\n',
  },
  { action: 'utils/cat', what: 'no lines', args: {}, result: { lines: [], payload: '' } },
  {
    action: 'utils/cat',
    what: 'a text',
    args: { lines: 'a' },
    result: { error: "Expected an argument 'lines' of type 'array'." },
    logs: '',
  },
  {
    action: 'utils/split',
    what: 'lines of both kinds',
    args: { payload: 'a\r\nb\nc' },
    result: { lines: ['a', 'b', 'c'], payload: 'a\r\nb\nc' },
    logs: 'split: returning {"lines":["a","b","c"],"payload":"a\\r\\nb\\nc"}\n',
  },
  {
    action: 'utils/split',
    what: 'a separator',
    args: { payload: 'a.b c', separator: '.' },
    result: { lines: ['a', 'b c'], payload: 'a.b c' },
  },
  {
    action: 'utils/split',
    what: 'a number',
    args: { payload: 15, separator: '5' },
    result: { lines: ['1', ''], payload: 15 },
  },
  {
    action: 'utils/split',
    what: 'nothing',
    args: {},
    result: { error: "Expected an argument 'payload' of type 'string'." },
  },
  {
    action: 'utils/sort',
    what: 'lines',
    args: { lines: ['b', 'a', 'C'] },
    result: { lines: ['C', 'a', 'b'], length: 3 },
    logs: 'sort input msg: {"lines":["b","a","C"]}\nsort before: b,a,C\nsort after: C,a,b\n',
  },
  { action: 'utils/sort', what: 'no parameters', args: {}, result: { lines: [], length: 0 } },
  {
    action: 'utils/head',
    what: 'one by default',
    args: { lines: ['a', 'b'] },
    result: { lines: ['a'], num: 1 },
    logs: 'head get first 1 lines of a,b: a\n',
  },
  { action: 'utils/head', what: 'more than there are', args: { lines: [1], num: 5 }, result: { lines: [1], num: 5 } },
  { action: 'utils/head', what: 'no lines', args: { num: 2 }, result: { lines: [], num: 2 } },
  { action: 'utils/namespace', what: "the caller's", args: {}, result: { namespace: 'somebody' } },
  {
    action: 'utils/smash',
    what: 'everything below a name',
    args: { a: 1, b: { c: 2 }, $fieldName: 'p' },
    result: { p: { a: 1, b: { c: 2 } } },
  },
  {
    action: 'utils/smash',
    what: 'no name',
    args: { a: 1 },
    result: { error: "Expected an argument '$fieldName' of type 'string'." },
  },
  {
    action: 'utils/smash',
    what: 'a name that is no text',
    args: { $fieldName: 1 },
    result: { error: "Expected an argument '$fieldName' of type 'string'." },
  },
  ...(
    [
      [{}, { url: `${HOST}/api/v1/namespaces/somebody/actions` }],
      [{ path: 'a' }, { url: `${HOST}/api/v1/namespaces/somebody/actions/a` }],
      [{ path: 'p/a', ext: '.json' }, { url: `${HOST}/api/v1/namespaces/somebody/actions/p/a` }],
      [{ path: 't', trigger: true }, { url: `${HOST}/api/v1/namespaces/somebody/triggers/t` }],
      [{ trigger: true }, { url: `${HOST}/api/v1/namespaces/somebody/triggers` }],
      [{ web: true }, { url: `${HOST}/api/v1/web/somebody` }],
      [{ path: 'a', web: true }, { url: `${HOST}/api/v1/web/somebody/default/a` }],
      [{ path: 'p/a', web: true, ext: '.svg' }, { url: `${HOST}/api/v1/web/somebody/p/a.svg` }],
      [{ path: 'a', web: true, trigger: true }, { error: 'triggers are not allowed for web actions.' }],
      [
        { path: 'a', web: true, ext: '.pdf' },
        { error: 'extension for web action must be one of [".html", ".http", ".json", ".svg", ".text"].' },
      ],
      [{ path: 'p/t', trigger: true }, { error: 'triggers are not allowed in packages.' }],
    ] as const
  ).map(([args, result]) => ({ action: 'utils/hosturl', what: JSON.stringify(args), args, result })),
  {
    action: 'samples/greeting',
    what: 'a name and a place',
    args: { name: 'Cat', place: 'Narrowsburg' },
    result: { payload: 'Hello, Cat from Narrowsburg!' },
    logs: "params: { name: 'Cat', place: 'Narrowsburg' }\n",
  },
  { action: 'samples/greeting', what: 'nobody', args: {}, result: { payload: 'Hello, stranger from somewhere!' } },
  { action: 'samples/helloWorld', what: 'a name', args: { payload: 'Cat' }, result: {}, logs: 'hello Cat!\n' },
  {
    action: 'samples/wordCount',
    what: 'a text',
    args: { payload: 'Five fuzzy felines' },
    result: { count: 3 },
    logs: "The message 'Five fuzzy felines' has 3 words\n",
  },
  { action: 'samples/wordCount', what: 'nothing', args: {}, result: { count: 0 } },
  { action: 'samples/wordCountAsync', what: 'a text', args: { payload: 'a  b\nc d' }, result: { count: 4 } },
  {
    action: 'samples/printParams',
    what: 'names in order',
    args: { x: 1, b: 'five', z: { y: 2 } },
    result: { params: { b: 'five', x: 1, z: { y: 2 } } },
    logs: 'params.b: five\nparams.x: 1\nparams.z: { y: 2 }\n',
  },
  { action: 'samples/countdown', what: 'the end', args: { n: 0 }, result: {}, logs: '0\nHappy New Year!\n' },
  { action: 'samples/countdown', what: 'no number', args: {}, result: {}, logs: 'NaN\n' },
  {
    action: 'samples/curl',
    what: 'no URL',
    args: {},
    result: { error: "Expected an argument 'payload' of type 'string'." },
  },
]

function actionOf(path: string): SystemAction {
  const [parent = '', name] = path.split('/')
  const found = packages.get(parent)?.actions.find((action) => action.name === name)
  if (found === undefined) throw new Error(`there is no action ${path}`)
  return found
}

test('runtimes 4.6: every action is there, and every one is tested below', () => {
  const paths = [...packages.values()].flatMap(({ name, actions }) => actions.map((action) => `${name}/${action.name}`))
  assert.deepEqual(paths.sort(), [
    ...[
      'countdown',
      'curl',
      'greeting',
      'helloPromises',
      'helloWorld',
      'printParams',
      'wordCount',
      'wordCountAsync',
    ].map((name) => `samples/${name}`),
    ...['cat', 'date', 'echo', 'head', 'hosturl', 'namespace', 'smash', 'sort', 'split'].map((name) => `utils/${name}`),
  ])
})

test('runtimes 4.6: every action is described, with its parameters and a sample', () => {
  for (const { actions, annotations } of packages.values()) {
    assert.deepEqual(
      annotations.map(({ key }) => key),
      ['description'],
    )
    for (const action of actions) {
      const keys = new Set(action.annotations.map(({ key }) => key))
      for (const key of ['description', 'parameters', 'sampleInput', 'sampleOutput'])
        assert.ok(keys.has(key), action.name)
      const parameters = action.annotations.find(({ key }) => key === 'parameters')?.value
      assert.ok(Array.isArray(parameters) && parameters.every((entry) => typeof Object(entry).name === 'string'))
    }
  }
  const withKey = [...packages.values()]
    .flatMap(({ actions }) => actions)
    .filter(({ annotations }) => annotations.some(({ key, value }) => key === 'provide-api-key' && value === true))
  assert.deepEqual(withKey.map(({ name }) => name).sort(), ['countdown', 'helloPromises'])
})

describeOnEveryNode('the actions of the system', (start) => {
  /** Runs an action once in a launcher of its own; resolves with the answer and what it printed. */
  async function run(
    path: string,
    args: unknown,
    apiHost = HOST,
  ): Promise<{ readonly answer: Answer; readonly printed: string }> {
    const launcher = await start()
    const { name, code } = actionOf(path)
    const env = { __OW_API_HOST: apiHost, __OW_ACTION_NAME: `/whisk.system/${path}`, __OW_NAMESPACE: 'somebody' }
    const ready = await launcher.init({ name, main: 'main', binary: false, code, env })
    assert.deepEqual(ready, { status: 200, body: { ok: true } })
    const answer = await launcher.run(args, {
      namespace: 'somebody',
      action_name: `/whisk.system/${path}`,
      api_key: 'uuid:secret',
    })
    const { stdout } = launcher.printed()
    await launcher.end()
    return { answer, printed: stdout }
  }

  for (const { action, what, args, result, logs } of ROWS) {
    test(`runtimes 4.6: ${action} of ${what}`, async () => {
      const { answer, printed } = await run(action, args)
      assert.deepEqual(answer, { status: 200, body: result })
      if (logs !== undefined) assert.equal(printed, logs)
    })
  }

  for (const { name: parent, actions } of packages.values()) {
    for (const { name, annotations } of actions) {
      const sample = (key: string): unknown => annotations.find((annotation) => annotation.key === key)?.value
      // Those whose result is another one each time, or another server's.
      if (['date', 'namespace', 'hosturl', 'helloPromises', 'countdown', 'curl'].includes(name)) continue
      test(`runtimes 4.6: the sample of ${parent}/${name} is what it does`, async () => {
        const { answer, printed } = await run(`${parent}/${name}`, sample('sampleInput'))
        assert.deepEqual(answer, { status: 200, body: sample('sampleOutput') })
        const line = sample('sampleLogOutput')
        if (typeof line === 'string') assert.equal(printed.split('\n')[0], line.replace(/^\S+ stdout: /, ''))
      })
    }
  }

  test('runtimes 4.6: utils/date is the time in ISO form', async () => {
    const before = Date.now()
    const { answer, printed } = await run('utils/date', {})
    const { date } = (answer === 'lost' ? {} : answer.body) as { readonly date: string }
    assert.equal(new Date(date).toISOString(), date)
    assert.ok(Date.parse(date) >= before && Date.parse(date) <= Date.now())
    assert.match(printed, /^It is now \w{3} \w{3} \d\d \d{4} /)
  })

  /** A server of the API that notes what it is asked. */
  const requests: { readonly url: string; readonly authorization: string | undefined; readonly body: string }[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => void (body += chunk.toString()))
    req.on('end', () => {
      const { url = '', headers } = req
      requests.push({ url, authorization: headers.authorization, body })
      if (url === '/page') return res.end('the page')
      res.setHeader('content-type', 'application/json')
      if (url.includes('blocking=true')) {
        return res.end(JSON.stringify({ response: { result: { payload: 'Hello, Cat from Narrowsburg!' } } }))
      }
      return res.writeHead(202).end(JSON.stringify({ activationId: 'a'.repeat(32) }))
    })
  })
  let api = ''
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => server.close().closeAllConnections())
  const asUser = `Basic ${Buffer.from('uuid:secret').toString('base64')}`

  test('runtimes 4.6: samples/helloPromises invokes greeting by the client of the API', async () => {
    const { answer } = await run('samples/helloPromises', { name: 'Cat', place: 'Narrowsburg' }, api)
    assert.deepEqual(answer, { status: 200, body: { lines: ['Hello,', 'Cat', 'from', 'Narrowsburg!'] } })
    const request = requests.find(({ url }) => url.includes('greeting'))
    assert.deepEqual(request, {
      url: '/api/v1/namespaces/whisk.system/actions/samples/greeting?blocking=true',
      authorization: asUser,
      body: '{"name":"Cat","place":"Narrowsburg"}',
    })
  })

  test('runtimes 4.6: samples/countdown invokes itself with one less', async () => {
    const { answer, printed } = await run('samples/countdown', { n: '3' }, api)
    assert.deepEqual([answer, printed], [{ status: 200, body: { activationId: 'a'.repeat(32) } }, '3\n'])
    const request = requests.find(({ url }) => url.includes('countdown'))
    assert.deepEqual(request, {
      url: '/api/v1/namespaces/whisk.system/actions/samples/countdown?',
      authorization: asUser,
      body: '{"n":2}',
    })
  })

  test('runtimes 4.6: samples/curl returns what the URL answers, or why it does not', async () => {
    const host = api.replace('http://', '')
    const page = await run('samples/curl', { payload: `${host}/page` })
    assert.deepEqual(page, {
      answer: { status: 200, body: { msg: 'the page' } },
      printed: `Curl to ${host}/page\nthe page\n`,
    })
    const closed = await run('samples/curl', { payload: 'http://127.0.0.1:1/' })
    assert.notEqual(closed.answer, 'lost')
    assert.match(closed.printed, /^Curl to http:\/\/127\.0\.0\.1:1\/\n.*(?:ECONNREFUSED|bad port)/)
  })
})
