/** Bodies of `PUT /actions/A` that are refused, each in OpenWhisk's words. */

import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const exec = { kind: 'nodejs:20', code: 'function main(args) { return args }' }
const put = (path: string, body: unknown = { exec }): Request => ({ method: 'PUT', path: `actions/${path}`, body })
const create = (fields: object = {}): Request => put('a', { exec, ...fields })
const malformed = (detail: string): string => `The request content was malformed:\n${detail}`

/** A PUT of `body` that is refused. */
const refused = (section: string, body: unknown, error: string | RegExp, status = 400): Row => ({
  section,
  what: `refuses ${JSON.stringify(body)?.slice(0, 80) ?? 'no body'}`,
  ...put('a', body),
  status,
  error,
})

describeTable('refused bodies', [
  {
    section: 'correction 1',
    what: 'no body',
    method: 'PUT',
    path: 'actions/a',
    status: 400,
    error: /^The request content was malformed:\nUnexpected end-of-input/,
  },
  refused('0.3', Buffer.from('{"exec":'), /^The request content was malformed:\n./),
  refused('0.3', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), malformed('The body is not valid UTF-8.')),
  refused('0.3', [], malformed("Object expected in field 'exec'")),
  {
    section: '0.3',
    what: 'no JSON',
    method: 'PUT',
    path: 'actions/a',
    body: 'x',
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    status: 415,
    error: "The request's Content-Type [text/plain; charset=UTF-8] is not supported. Expected:\napplication/json",
  },
  {
    section: '0.3',
    what: 'a vendor’s JSON',
    method: 'PUT',
    path: 'actions/a',
    body: '{}',
    headers: { 'content-type': 'application/vnd.x+json' },
    status: 415,
    error: "The request's Content-Type [application/vnd.x+json] is not supported. Expected:\napplication/json",
  },
  refused('4.4', {}, 'exec undefined'),
  refused('4.5', { exec: 1 }, malformed('JSON object expected')),
  refused('4.5', { exec: {} }, malformed("'kind' must be a string defined in 'exec'")),
  refused(
    '4.5',
    { exec: { kind: 'COBOL', code: '' } },
    malformed(
      "The specified runtime 'cobol' is not supported by this platform. Valid values are: 'nodejs:6', 'nodejs:20', 'python:3.11', 'java:8'.",
    ),
  ),
  refused(
    '4.5',
    { exec: { kind: 'nodejs', code: '' } },
    /^The request content was malformed:\nThe specified runtime 'nodejs' /,
  ),
  refused(
    '4.5, correction 9',
    { exec: { kind: 'nodejs:default' } },
    malformed("'code' must be a string or attachment object defined in 'exec' for 'nodejs:default' actions"),
  ),
  refused(
    '4.5',
    { exec: { kind: 'python:3.11', code: 1 } },
    malformed("'code' must be a string defined in 'exec' for 'python:3.11' actions"),
  ),
  refused(
    '4.5',
    { exec: { kind: 'java:8', code: '' } },
    malformed("'main' must be a string defined in 'exec' for 'java:8' actions"),
  ),
  refused(
    '4.5',
    { exec: { ...exec, main: 1 } },
    malformed("if defined, 'main' be a string in 'exec' for 'nodejs:20' actions"),
  ),
  refused(
    '4.5',
    { exec: { kind: 'nodejs:6', code: '' } },
    "The 'nodejs:6' runtime is no longer supported. You may read and delete but not update or invoke this action.",
  ),
  ...[1, {}, [1], [{ key: 'a' }], [{ value: 1 }], [{ key: 1, value: 1 }], [{ key: 'a', value: 1, init: 'yes' }]].map(
    (parameters) => refused('2.3', { exec, parameters }, malformed('parameters malformed!')),
  ),
  refused('2.3', { exec, annotations: [{ key: 'a' }] }, malformed('parameters malformed!')),
  ...['', '0.0.0', '-1.0.0', 'a', 1, '1.x'].map((version) =>
    refused('2.2', { exec, version }, malformed('semantic version malformed')),
  ),
  refused('2.3', { exec, publish: 'yes' }, malformed('Expected JsTrue or JsFalse, but got "yes"')),
  refused('4.4', { exec, delAnnotations: 'a' }, /Expected List as JsArray/),
  refused('4.4', { exec, delAnnotations: [1] }, malformed('Expected String as JsString, but got 1')),
  ...(
    [
      [{ timeout: 'a' }, malformed('time limit malformed')],
      [{ memory: 'a' }, malformed('memory limit malformed')],
      [{ logs: [] }, malformed('log limit malformed')],
      [{ concurrency: {} }, malformed('concurrency limit malformed')],
      [{ instances: '1' }, malformed('instance concurrency limit malformed')],
      [{ timeout: 100.5 }, malformed('requirement failed: time limit must be whole number')],
      [{ memory: 128.5 }, malformed('requirement failed: memory limit must be whole number')],
      [{ logs: 1.5 }, malformed('requirement failed: log limit must be whole number')],
      [{ concurrency: 1.5 }, malformed('requirement failed: intra concurrency limit must be whole number')],
      [{ instances: 1.5 }, malformed('requirement failed: instance concurrency limit must be whole number')],
      [
        { instances: -1 },
        malformed('requirement failed: Action container concurrency must be greater than or equal to 0.'),
      ],
      [{ memory: 1024 }, 'requirement failed: memory size 1024 MB exceeds allowed threshold of 512 MB'],
      [{ memory: 64 }, 'requirement failed: memory size 64 MB below allowed threshold of 128 MB'],
      [{ logs: 11 }, 'requirement failed: log size 11 MB exceeds allowed threshold of 10 MB'],
      [
        { timeout: 300_001 },
        'requirement failed: duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds',
      ],
      [{ timeout: 99 }, 'requirement failed: duration 99 milliseconds below allowed threshold of 100 milliseconds'],
      [{ concurrency: 2 }, 'requirement failed: concurrency 2 exceeds allowed threshold of 1'],
      [{ concurrency: 0 }, 'requirement failed: concurrency 0 below allowed threshold of 1'],
      [{ instances: 31 }, 'Max action instance concurrency must not exceed your namespace concurrency of 30.'],
    ] as const
  ).map(([limits, error]) => refused('4.6', { exec, limits }, error)),
  refused(
    '2.3',
    { exec: { ...exec, code: ' '.repeat(100_001) } },
    'exec larger than allowed: 100001 > 100000 bytes.',
    413,
  ),
  refused(
    '2.3',
    { parameters: [{ key: 'é', value: 'x'.repeat(9997) }] },
    'parameters larger than allowed: 10001 > 10000 bytes.',
    413,
  ),
  refused(
    '2.3',
    { annotations: [{ key: 'a', value: 'x'.repeat(9998) }] },
    'annotations larger than allowed: 10001 > 10000 bytes.',
    413,
  ),
  refused(
    'correction 4',
    { parameters: [{ key: 'a', value: 'x'.repeat(9999) }], version: 0, limits: 0 },
    /^parameters larger/,
    413,
  ),
  {
    section: '2.3',
    what: 'a namespace may have a lower bound on its parameters',
    prepare: async ({ administration }, namespace) => {
      await administration.setLimits(namespace, { maxParameterSize: '9 B' })
    },
    ...create({ parameters: [{ key: 'key', value: 'value' }] }),
    status: 413,
    error: 'parameters larger than allowed: 10 > 9 bytes.',
  },
])
