import assert from 'node:assert/strict'
import type { Response } from './table.ts'
import type { WebRow } from './web-table.ts'
import { describeWebTable } from './web-table.ts'

const JSON_PATH = 'OWN/default/hello.json'
const HTML_PATH = 'OWN/default/hello.html'
const SVG_PATH = 'OWN/default/hello.svg'
const TEXT_PATH = 'OWN/default/hello.text'
const NO_ACTION = { error: 'There was an error processing your request.' }
const HAS_ID = (response: Response): void => {
  assert.match(response.headers['x-openwhisk-activation-id'] ?? '', /^[0-9a-f]{32}$/)
}

function invalid(type: string): Pick<WebRow, 'status' | 'error'> {
  return { status: 400, error: `Response is not valid '${type}'.` }
}

/** What a container answers, as it stands. */
const answered =
  (text: string, status = 200) =>
  (): { text: string; status: number } => ({ text, status })

const outcomes: readonly WebRow[] = [
  {
    section: '5.9',
    what: 'not finished when the wait is over',
    prepare: async (server) => void (server.blockingWaitMs = 30),
    returns: () => 'never',
    status: 202,
    error: 'Response not yet ready.',
    answers: { 'access-control-allow-origin': '*' },
    expect: (response, _, { server }) => {
      server.blockingWaitMs = 10_000
      HAS_ID(response)
    },
  },
  {
    section: '5.9',
    what: 'the id of the activation is that of the record',
    status: 204,
    expect: (response, _, { server }) =>
      assert.equal(response.headers['x-openwhisk-activation-id'], server.records.at(-1)?.record.activationId),
  },
  {
    section: '5.9',
    what: 'an application error: its `error` is projected',
    path: JSON_PATH,
    returns: { error: { a: 1 }, b: 2 },
    status: 200,
    text: '{\n  "a": 1\n}',
    expect: HAS_ID,
  },
  {
    section: '13.2',
    what: 'an application error whose `error` is text, as JSON',
    path: JSON_PATH,
    returns: { error: 'no' },
    ...invalid('application/json'),
    expect: HAS_ID,
  },
  {
    section: '13.2',
    what: 'an application error whose `error` is an array, as JSON',
    path: JSON_PATH,
    returns: { error: ['a', 1] },
    status: 200,
    text: '["a", 1]',
  },
  {
    section: '13.2',
    what: 'an application error as HTTP answer: its status is honoured',
    returns: { error: { statusCode: 404, body: 'nope' } },
    status: 404,
    text: 'nope',
    answers: { 'content-type': 'text/html; charset=UTF-8' },
  },
  {
    section: '5.9',
    what: 'an application error whose `error` is text, as HTML',
    path: HTML_PATH,
    returns: { error: 'oops' },
    status: 200,
    text: 'oops',
  },
  {
    section: '5.9',
    what: 'a developer error',
    returns: answered('no json'),
    status: 400,
    ...NO_ACTION,
    expect: HAS_ID,
    answers: { 'access-control-allow-origin': '*' },
  },
  {
    section: '5.9',
    what: 'a developer error with an object',
    returns: answered('{"error":{"body":"x"}}', 500),
    status: 400,
    ...NO_ACTION,
  },
  {
    section: 'verified 5',
    what: 'null is a developer error',
    path: JSON_PATH,
    returns: null,
    status: 400,
    ...NO_ACTION,
  },
  ...['json', 'text', 'http'].map((extension) => ({
    section: 'verified 5',
    what: `an array as the result of a success, .${extension}`,
    path: `OWN/default/hello.${extension}`,
    returns: ['a'],
    status: 500,
    text: 'There was an internal server error.',
    answers: {
      'content-type': 'text/plain; charset=UTF-8',
      'x-request-id': undefined,
      'access-control-allow-origin': undefined,
    },
  })),
]

const typed: readonly WebRow[] = [
  {
    section: '5.9',
    what: '.json: an object',
    path: JSON_PATH,
    returns: { a: 1, b: { c: [{ d: 'x' }, []] } },
    status: 200,
    text: '{\n  "a": 1,\n  "b": {\n    "c": [{\n      "d": "x"\n    }, []]\n  }\n}',
    answers: { 'content-type': 'application/json' },
  },
  {
    section: '13.1',
    what: '.json: numbers keep their digits',
    path: JSON_PATH,
    returns: answered('{"a":12345678901234567890,"b":1.50}'),
    status: 200,
    text: '{\n  "a": 12345678901234567890,\n  "b": 1.50\n}',
  },
  {
    section: '5.9',
    what: '.json does not know statusCode',
    path: JSON_PATH,
    returns: { statusCode: 404 },
    status: 200,
    text: '{\n  "statusCode": 404\n}',
  },
  {
    section: '5.9',
    what: '.html: body',
    path: HTML_PATH,
    returns: { body: '<b>ß</b>', html: 'no' },
    status: 200,
    text: '<b>ß</b>',
    answers: { 'content-type': 'text/html; charset=UTF-8', 'content-length': '9' },
  },
  { section: '5.9', what: '.html: html', path: HTML_PATH, returns: { html: '<i/>' }, status: 200, text: '<i/>' },
  { section: '5.9', what: '.html: an empty text', path: HTML_PATH, returns: { html: '' }, status: 200, text: '' },
  {
    section: '5.9',
    what: '.html: body that is no text',
    path: HTML_PATH,
    returns: { body: 1, html: 'x' },
    ...invalid('text/html'),
  },
  {
    section: '5.9',
    what: '.html: body that is null',
    path: HTML_PATH,
    returns: { body: null, html: 'x' },
    ...invalid('text/html'),
  },
  { section: '13.1', what: '.html: neither', path: HTML_PATH, returns: { a: 'x' }, ...invalid('text/html') },
  {
    section: '5.9',
    what: '.svg: body',
    path: SVG_PATH,
    returns: { body: '<svg/>' },
    status: 200,
    text: '<svg/>',
    answers: { 'content-type': 'image/svg+xml' },
  },
  {
    section: '5.9',
    what: '.svg: svg',
    path: SVG_PATH,
    returns: { svg: '<svg>é</svg>' },
    status: 200,
    text: '<svg>é</svg>',
  },
  { section: '5.9', what: '.svg: neither', path: SVG_PATH, returns: {}, ...invalid('image/svg+xml') },
  {
    section: '5.9',
    what: '.text: text',
    path: TEXT_PATH,
    returns: { text: 'plain' },
    status: 200,
    text: 'plain',
    answers: { 'content-type': 'text/plain; charset=UTF-8' },
  },
  {
    section: '5.9',
    what: '.text: body first',
    path: TEXT_PATH,
    returns: { text: 'no', body: 'yes' },
    status: 200,
    text: 'yes',
  },
  {
    section: '5.9',
    what: '.text: an object is printed',
    path: TEXT_PATH,
    returns: { body: { a: [1, 2] } },
    status: 200,
    text: '{\n  "a": [1, 2]\n}',
  },
  {
    section: '5.9',
    what: '.text: an array is printed',
    path: TEXT_PATH,
    returns: { text: [1, 'x', null] },
    status: 200,
    text: '[1, "x", null]',
  },
  ...[1.5, true, false, null].map((value) => ({
    section: '5.9',
    what: `.text: ${value}`,
    path: TEXT_PATH,
    returns: { text: value },
    status: 200,
    text: String(value),
  })),
  {
    section: '5.9',
    what: '.text: an error that is text',
    path: TEXT_PATH,
    returns: { error: 'oops' },
    status: 200,
    text: 'oops',
  },
  {
    section: '5.9',
    what: '.text: neither',
    path: TEXT_PATH,
    returns: { a: 1 },
    status: 404,
    error: 'Response does not include requested property.',
    expect: HAS_ID,
  },
]

const accept: readonly WebRow[] = [
  {
    section: '5.9',
    what: 'Accept excludes the answer',
    path: JSON_PATH,
    headers: { accept: 'text/html' },
    status: 406,
    error: 'Resource representation is only available with these types:\napplication/json',
    expect: (response, seen) => {
      assert.notEqual(seen, undefined)
      HAS_ID(response)
    },
  },
  {
    section: '5.9',
    what: 'Accept excludes what the action says',
    headers: { accept: 'application/json, image/*' },
    returns: { body: 'x' },
    status: 406,
    error: 'Resource representation is only available with these types:\ntext/html; charset=UTF-8',
  },
  {
    section: '5.9',
    what: 'Accept by a range',
    path: HTML_PATH,
    headers: { accept: 'image/*, text/*;q=0.1' },
    returns: { body: 'x' },
    status: 200,
  },
  {
    section: '5.9',
    what: 'Accept with a quality of nothing',
    path: HTML_PATH,
    headers: { accept: 'text/html;q=0, */*' },
    returns: { body: 'x' },
    status: 406,
    error: /only available/,
  },
  {
    section: '5.9',
    what: 'an error status is never 406',
    headers: { accept: 'image/png' },
    returns: { statusCode: 404, body: 'x' },
    status: 404,
  },
  {
    section: '5.9',
    what: 'nor is a redirect',
    headers: { accept: 'image/png' },
    returns: { statusCode: 302, headers: { location: '/' }, body: 'x' },
    status: 302,
  },
  { section: '5.9', what: 'nor is an answer without a body', headers: { accept: 'image/png' }, status: 204 },
  {
    section: '0.3',
    what: 'an error body is JSON whatever is accepted',
    path: HTML_PATH,
    headers: { accept: 'text/html' },
    ...invalid('text/html'),
  },
  {
    section: '5.9',
    what: 'HEAD: headers without the body',
    method: 'HEAD',
    path: HTML_PATH,
    returns: { body: 'four' },
    status: 200,
    text: '',
    given: { __ow_method: 'head' },
    answers: { 'content-type': 'text/html; charset=UTF-8', 'content-length': '4' },
  },
]

describeWebTable('web actions: results by extension', [...outcomes, ...typed, ...accept])
