import assert from 'node:assert/strict'
import type { JsonValue } from '../../src/model/json.ts'
import type { Response } from './table.ts'
import type { WebRow } from './web-table.ts'
import { describeWebTable } from './web-table.ts'

const NO_MESSAGE = { status: 400, error: "Response is not valid 'message/http'." }
/** What a container answers, as it stands. */
const answered =
  (text: string, status = 200) =>
  (): { text: string; status: number } => ({ text, status })

const headers: readonly WebRow[] = [
  {
    section: '5.9',
    what: 'texts, numbers and Booleans',
    returns: { headers: { 'X-Text': 'a', 'X-Number': 1.5, 'X-True': true, 'X-False': false } },
    status: 204,
    answers: { 'x-text': 'a', 'x-number': '1.5', 'x-true': 'true', 'x-false': 'false' },
  },
  {
    section: '5.9',
    what: 'names as they are given',
    returns: { headers: { 'X-cAsE': 'a' } },
    status: 204,
    expect: (response) => assert.ok(response.rawHeaders.includes('X-cAsE')),
  },
  {
    section: '14.18',
    what: 'an array is a line for each, in order',
    returns: { headers: { 'Set-Cookie': ['a=1; Path=/', 'b=2', [3, [true]]] }, body: 'x' },
    status: 200,
    expect: (response) => assert.deepEqual(valuesOf(response, 'Set-Cookie'), ['a=1; Path=/', 'b=2', '3', 'true']),
  },
  {
    section: '5.9',
    what: 'an empty array is no line',
    returns: { headers: { 'X-None': [] } },
    status: 204,
    answers: { 'x-none': undefined },
  },
  ...([null, {}, [null], [['a', {}]]] as JsonValue[]).map((value) => ({
    section: '5.9',
    what: `value ${JSON.stringify(value)} is none`,
    returns: { headers: { 'X-Some': value } },
    status: 400,
    error: NO_MESSAGE.error,
  })),
  ...([null, [], 'x', 1] as JsonValue[]).map((value) => ({
    section: '5.9',
    what: `headers ${JSON.stringify(value)} are none`,
    returns: { headers: value },
    status: 400,
    error: NO_MESSAGE.error,
  })),
  {
    section: 'verified 4',
    what: 'headers of the connection are dropped',
    returns: {
      headers: {
        'Content-Length': 99,
        'transfer-encoding': 'chunked',
        Date: 'then',
        Server: 'mine',
        connection: 'close',
        trailer: 'x',
        upgrade: 'h2c',
        'keep-alive': 'timeout=1',
      },
      body: 'x',
    },
    status: 200,
    text: 'x',
    answers: {
      'content-length': '1',
      'transfer-encoding': undefined,
      server: undefined,
      trailer: undefined,
      upgrade: undefined,
    },
    expect: (response) => assert.notEqual(response.headers['date'], 'then'),
  },
  {
    section: 'verified 4',
    what: 'values outside of ASCII leave as Latin-1',
    returns: { headers: { 'X-Name': 'Grüße' } },
    status: 204,
    answers: { 'x-name': 'Grüße' },
  },
  {
    section: 'verified 4',
    what: 'values outside of Latin-1 have question marks',
    returns: { headers: { 'X-Name': '€ 😀' } },
    status: 204,
    answers: { 'x-name': '? ?' },
  },
  ...['', 'a b', 'a:', 'a\r\nb', 'ä', '__ proto'].map((name) => ({
    section: 'verified 4',
    what: `${JSON.stringify(name)} is no name of a header`,
    returns: { headers: { [name]: 'x' } },
    status: 400,
    error: NO_MESSAGE.error,
  })),
  ...['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\u0000', '\u007f'].map((value) => ({
    section: 'verified 4',
    what: `${JSON.stringify(value)} is no value of a header`,
    returns: { headers: { 'X-Some': value } },
    status: 400,
    error: NO_MESSAGE.error,
  })),
  {
    section: '5.9',
    what: 'a type that would end its line',
    returns: { headers: { 'content-type': 'text/html\r\nX-Evil: 1' }, body: 'x' },
    ...NO_MESSAGE,
  },
  {
    section: '5.9',
    what: 'headers that are called like something of JavaScript',
    returns: answered('{"headers":{"__proto__":"p","constructor":"c"}}'),
    status: 204,
    expect: (response) =>
      assert.deepEqual([...valuesOf(response, '__proto__'), ...valuesOf(response, 'constructor')], ['p', 'c']),
  },
  {
    section: '1.6',
    what: 'the first header is the id of the request',
    headers: { 'X-Request-ID': 'mine' },
    status: 204,
    expect: (response) => assert.deepEqual(response.rawHeaders.slice(0, 2), ['X-Request-ID', 'mine']),
  },
]

function valuesOf({ rawHeaders }: Response, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1] === name)
}

describeWebTable('web actions: headers of an HTTP answer', headers)
