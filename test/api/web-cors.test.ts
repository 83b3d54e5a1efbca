import assert from 'node:assert/strict'
import type { WebRow } from './web-table.ts'
import { describeWebTable } from './web-table.ts'

const JSON_PATH = 'OWN/default/hello.json'
const HTML_PATH = 'OWN/default/hello.html'
const NO_HTML = { status: 400, error: "Response is not valid 'text/html'." }
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH',
  'access-control-allow-headers': 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent',
}
const NO_CORS = {
  'access-control-allow-origin': undefined,
  'access-control-allow-methods': undefined,
  'access-control-allow-headers': undefined,
}
const custom = { 'web-custom-options': true }

const cors: readonly WebRow[] = [
  { section: '5.10', what: 'on an answer', path: JSON_PATH, status: 200, answers: CORS },
  { section: '5.10', what: 'on an empty answer', status: 204, answers: CORS },
  {
    section: '5.10',
    what: 'on a refusal after the action was found',
    path: HTML_PATH,
    ...NO_HTML,
    answers: CORS,
  },
  {
    section: '5.10',
    what: 'the headers that are asked for are allowed',
    path: JSON_PATH,
    headers: { 'Access-Control-Request-Headers': 'X-One, x-two' },
    status: 200,
    answers: { ...CORS, 'access-control-allow-headers': 'X-One, x-two' },
  },
  {
    section: '5.10',
    what: 'a header of the action is added in addition',
    returns: { headers: { 'Access-Control-Allow-Origin': 'https://one.example' }, body: 'x' },
    status: 200,
    answers: { 'access-control-allow-origin': '*, https://one.example' },
  },
  {
    section: '5.10',
    what: 'OPTIONS is answered for the action, which is not run',
    method: 'OPTIONS',
    status: 200,
    text: '',
    answers: { ...CORS, 'content-length': '0', 'content-type': undefined, 'x-openwhisk-activation-id': undefined },
    expect: (_, seen) => assert.equal(seen, undefined),
  },
  {
    section: '5.10',
    what: 'OPTIONS does not check who calls',
    method: 'OPTIONS',
    annotations: { 'require-whisk-auth': 'secret' },
    status: 200,
  },
  {
    section: '5.10',
    what: 'OPTIONS of what is not there',
    method: 'OPTIONS',
    path: 'OWN/default/other',
    status: 404,
    error: 'The requested resource does not exist.',
    answers: NO_CORS,
  },
  {
    section: '5.10',
    what: 'custom: OPTIONS runs the action',
    method: 'OPTIONS',
    annotations: custom,
    returns: { headers: { 'Access-Control-Allow-Methods': 'GET' }, statusCode: 200 },
    status: 200,
    given: { __ow_method: 'options' },
    answers: { ...NO_CORS, 'access-control-allow-methods': 'GET' },
  },
  {
    section: '5.10',
    what: 'custom: no method gets CORS headers',
    annotations: custom,
    path: JSON_PATH,
    status: 200,
    answers: NO_CORS,
  },
  {
    section: '5.10',
    what: 'custom: nor does a refusal',
    annotations: custom,
    path: HTML_PATH,
    ...NO_HTML,
    answers: NO_CORS,
  },
  {
    section: '5.3',
    what: 'custom: OPTIONS passes the check of who calls',
    method: 'OPTIONS',
    annotations: { ...custom, 'require-whisk-auth': true },
    status: 204,
    given: { __ow_method: 'options' },
  },
  {
    section: '5.3',
    what: 'custom: others do not',
    annotations: { ...custom, 'require-whisk-auth': true },
    status: 401,
    error: 'Authentication is possible but has failed or not yet been provided.',
    answers: NO_CORS,
  },
  {
    section: '5.10',
    what: 'the text "true" is not custom',
    annotations: { 'web-custom-options': 'true' },
    method: 'OPTIONS',
    status: 200,
    answers: CORS,
  },
]

describeWebTable('web actions: CORS', cors)
