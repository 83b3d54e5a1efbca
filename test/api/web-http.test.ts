import assert from 'node:assert/strict'
import type { JsonValue } from '../../src/model/json.ts'
import type { Response } from './table.ts'
import type { WebRow } from './web-table.ts'
import { describeWebTable } from './web-table.ts'

const NO_MESSAGE = { status: 400, error: "Response is not valid 'message/http'." }
const HAS_ID = (response: Response): void => {
  assert.match(response.headers['x-openwhisk-activation-id'] ?? '', /^[0-9a-f]{32}$/)
}

const http: readonly WebRow[] = [
  {
    section: '13.1',
    what: 'an object without any of the fields',
    returns: { payload: 'hi' },
    status: 204,
    text: '',
    answers: { 'content-type': undefined, 'content-length': undefined },
  },
  {
    section: '5.9',
    what: 'an error that is text is no HTTP answer',
    returns: { error: 'x' },
    ...NO_MESSAGE,
  },
  ...([200, 201, 404, 418, 444, 599, '202', '444'] as JsonValue[]).map((code) => ({
    section: '5.9',
    what: `statusCode ${JSON.stringify(code)}`,
    returns: { statusCode: code, body: 'x' },
    status: Number(code),
    text: 'x',
  })),
  ...(
    [
      1,
      99,
      100,
      103,
      199,
      600,
      1000,
      -200,
      200.5,
      '',
      'abc',
      '200.0',
      '2e2',
      true,
      null,
      {},
      [200],
      1e300,
    ] as JsonValue[]
  ).map((code) => ({
    section: '5.9',
    what: `statusCode ${JSON.stringify(code)} is none`,
    returns: { statusCode: code, body: 'x' },
    status: 400,
    error: NO_MESSAGE.error,
  })),
  { section: '5.9', what: 'a status without a reason phrase', returns: { statusCode: 444 }, status: 444, text: '' },
  ...[null, ''].map((body) => ({
    section: '5.9',
    what: `body ${JSON.stringify(body)} is empty, its type dropped, other headers kept`,
    returns: { body, headers: { 'content-type': 'image/png', 'x-other': 1 } },
    status: 204,
    text: '',
    answers: { 'content-type': undefined, 'x-other': '1' },
  })),
  {
    section: '5.9',
    what: 'an empty body with a status',
    returns: { statusCode: 200, body: '' },
    status: 200,
    text: '',
    answers: { 'content-length': '0' },
  },
  {
    section: '5.9',
    what: 'a redirect',
    returns: { statusCode: 302, headers: { location: 'https://example.org/x?y' } },
    status: 302,
    text: '',
    answers: { location: 'https://example.org/x?y' },
  },
  ...[204, 304].map((statusCode) => ({
    section: '5.9',
    what: `${statusCode} has no body`,
    returns: { statusCode, body: 'x', headers: { etag: '"e"' } },
    status: statusCode,
    text: '',
    answers: { 'content-length': undefined, etag: '"e"' },
  })),
  {
    section: '5.9',
    what: 'a text is HTML',
    returns: { body: 'Grüße' },
    status: 200,
    text: 'Grüße',
    answers: { 'content-type': 'text/html; charset=UTF-8', 'content-length': '7' },
  },
  {
    section: '5.9',
    what: 'a content-type that is none',
    returns: { headers: { 'Content-Type': 'xyz' }, body: 'x' },
    status: 400,
    error: 'Response did not specify a known content-type.',
    expect: HAS_ID,
  },
  {
    section: '5.9',
    what: 'JSON as text',
    returns: { headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"a": 1}' },
    status: 200,
    text: '{"a": 1}',
    answers: { 'content-type': 'application/json' },
  },
  {
    section: '14.19',
    what: 'JSON as text that looks like base64',
    returns: { headers: { 'content-type': 'application/json' }, body: 'eyJhIjoxfQ==' },
    status: 200,
    text: '{"a":1}',
  },
  ...[
    ['text/plain', 'text/plain; charset=UTF-8'],
    ['text/css', 'text/css; charset=UTF-8'],
    ['Text/HTML; Charset=iso-8859-1', 'text/html; charset=UTF-8'],
    ['text/html; level=1', 'text/html; level=1; charset=UTF-8'],
    ['application/javascript', 'application/javascript; charset=UTF-8'],
    ['text/unknown; charset=utf-8', 'text/unknown; charset=UTF-8'],
    ['application/vnd.api+json', 'application/vnd.api+json'],
    ['text/event-stream', 'text/event-stream'],
  ].map(([type = '', sent]) => ({
    section: '5.9',
    what: `text of type ${type}`,
    returns: { headers: { 'content-type': type }, body: 'né' },
    status: 200,
    text: 'né',
    answers: { 'content-type': sent },
  })),
  ...[
    'image/png',
    'application/octet-stream',
    'application/pdf',
    'image/svg+xml',
    'text/unknown',
    'application/unknown+json',
  ].map((type) => ({
    section: '5.9',
    what: `bytes of type ${type}`,
    returns: { headers: { 'content-type': type }, body: 'AP+A' },
    status: 200,
    answers: { 'content-type': type, 'content-length': '3' },
    expect: (response: Response) => assert.deepEqual(response.bytes, Buffer.from([0, 255, 128])),
  })),
  {
    section: '5.9',
    what: 'base64 without padding',
    returns: { headers: { 'content-type': 'image/png' }, body: 'AP8' },
    status: 200,
    expect: (response) => assert.deepEqual(response.bytes, Buffer.from([0, 255])),
  },
  ...['A', 'A=', 'AP8=A', 'AP 8', '<svg/>', 'AP8=\n', '====', 'AP-_'].map((body) => ({
    section: '5.9',
    what: `${JSON.stringify(body)} is not base64`,
    returns: { headers: { 'content-type': 'image/png' }, body },
    status: 400,
    error: 'Response type in header did not match generated content type.',
  })),
  ...([{ a: 1 }, [1, 2], 0, 12.5, false, true] as JsonValue[]).map((body) => ({
    section: '5.9',
    what: `a body ${JSON.stringify(body)}`,
    returns: { body },
    status: 200,
    text: Array.isArray(body) ? '[1, 2]' : JSON.stringify(body, null, 2),
    answers: { 'content-type': 'application/json' },
  })),
  {
    section: 'correction 3',
    what: 'a JSON body of another +json type',
    returns: { headers: { 'content-type': 'application/problem+json; charset=utf-8' }, body: { a: 1 } },
    status: 200,
    answers: { 'content-type': 'application/problem+json' },
  },
  ...['text/html', 'image/png', 'xyz'].map((type) => ({
    section: '5.9',
    what: `a JSON body of type ${type}`,
    returns: { headers: { 'content-type': type }, body: { a: 1 } },
    status: 400,
    error: 'Response type in header did not match generated content type.',
  })),
]

describeWebTable('web actions: status and body of an HTTP answer', http)
