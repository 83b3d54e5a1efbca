/** Bodies that are almost what a route wants, and bodies that nobody would send who means well. */

import * as fc from 'fast-check'

export interface FuzzBody {
  readonly bytes: Buffer
  /** What it is said to be; undefined: nothing is said. */
  readonly type: string | undefined
}

/** Entities that the fuzzed namespace begins with, and names that may be made on the way. */
export const NAMES = ['hello', 'web', 'raw', 'chain', 'conduct', 'pkg', 'bound', 'started', 'greet', 'new-1', 'new-2']

/** Subjects and namespaces that are administered. */
export const SUBJECTS = ['someone', 'other', 'third']

/** Sources of actions: well-behaved, failing in each way, and none at all. */
const CODE = [
  'const main = (args) => args',
  'const main = ({ __ow_headers, __ow_body }) => ({ headers: __ow_headers, body: __ow_body })',
  'function main() { throw new Error("no") }',
  'function main() { process.exit(1) }',
  'const main = () => [1, "two", null]',
  'const main = (args) => ({ action: args.next, params: args, state: args })',
  'function main( {',
  '',
]

const name = fc.constantFrom(...NAMES, 'pkg/inner', '/_/hello', '/whisk.system/utils/echo', '/whisk.system', '_', '')
const sometimes = (wanted: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 15, arbitrary: wanted }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) })
const keyValues = sometimes(
  fc.array(
    fc.record({
      key: fc.oneof(
        fc.constantFrom('a', 'feed', 'web-export', 'raw-http', 'final', 'conductor', 'require-whisk-auth', '__proto__'),
        fc.string({ maxLength: 5 }),
      ),
      value: fc.oneof(fc.boolean(), fc.jsonValue({ maxDepth: 2 })),
    }),
    { maxLength: 4 },
  ),
)
const some = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  fc.record(fields, { requiredKeys: [] })

const exec = sometimes(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('nodejs:default', 'nodejs:24', 'nodejs'), code: fc.constantFrom(...CODE) }),
    fc.record({ kind: fc.constant('sequence'), components: sometimes(fc.array(name, { maxLength: 4 })) }),
    fc.record({ kind: fc.constantFrom('blackbox', 'python:3', 'cobol:60'), image: fc.string(), code: fc.string() }),
  ),
)
const limit = sometimes(fc.constantFrom(1, 10, 128, 256, 1000, 60_000, 0, -1, 1e12, '10 MB'))
const common = {
  parameters: keyValues,
  annotations: keyValues,
  publish: fc.boolean(),
  version: sometimes(fc.constantFrom('1.2.3', '0.0.1', '1')),
}

const subjectName = sometimes(fc.oneof(fc.constantFrom(...SUBJECTS), fc.string({ maxLength: 12 })))
const secret = fc.oneof(fc.constant('s'.repeat(64)), fc.string({ maxLength: 100 }))

/** By the tag of an operation, as the API document has it; `Administration` for the admin API. */
const WANTED: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Actions: fc.oneof(
    some({
      ...common,
      exec,
      limits: sometimes(some({ timeout: limit, memory: limit, logs: limit, concurrency: limit })),
    }),
    fc.dictionary(fc.constantFrom('next', 'name', 'a', 'payload'), fc.oneof(name, fc.jsonValue({ maxDepth: 2 }))),
  ),
  Packages: some({ ...common, binding: sometimes(fc.record({ namespace: name, name })) }),
  Triggers: some(common),
  Rules: some({ trigger: name, action: name, status: sometimes(fc.constantFrom('active', 'inactive')) }),
  Administration: some({
    subject: subjectName,
    namespace: subjectName,
    authorization: sometimes(fc.tuple(fc.uuid(), secret).map((parts) => parts.join(':'))),
    keepUuid: sometimes(fc.boolean()),
    namespaces: sometimes(fc.array(fc.record({ name: subjectName, uuid: fc.uuid(), key: secret }), { maxLength: 3 })),
    invocationsPerMinute: limit,
    maxPayloadSize: limit,
    allowedKinds: keyValues,
    after: sometimes(fc.string()),
  }),
}

const repeated = (text: string, count: number): Buffer => Buffer.from(text.repeat(count))
const HOSTILE: readonly Buffer[] = [
  repeated('[', 100_000),
  Buffer.from(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
  Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  Buffer.from(`{"exec":{"kind":"nodejs:default","code":"${'x'.repeat(100_000)}"}}`),
  Buffer.from(`{${Array.from({ length: 5000 }, (_, key) => `"k${key}":${key}`).join(',')}}`),
  Buffer.from(`{"a":"${'x'.repeat(1_100_000)}"}`),
  Buffer.from('{"a":1'),
  Buffer.from('{"a":1}{"b":2}'),
  Buffer.from('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  Buffer.from(String.raw`{"a":"\ud800","\udfff":"\u0000"}`),
  Buffer.from('{"a":1e999,"b":-0,"c":123456789012345678901234567890}'),
  Buffer.from('\uFEFF{}'),
  Buffer.from('null'),
  Buffer.from([0]),
  Buffer.from('{"a":"\0"}'),
  Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xc0, 0xaf, 0x22, 0x7d]),
  repeated('a=b&', 2000),
]
const TYPES = [
  'application/x-www-form-urlencoded',
  'text/plain; charset=utf-16',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  'application/json; charset=x',
  'image/png',
  '/',
  ';;;',
]

/** A body for an operation of that tag. */
export function fuzzBody(tag: string): fc.Arbitrary<FuzzBody> {
  const json = (value: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
    value.map((given) => Buffer.from(JSON.stringify(given) ?? 'null'))
  return fc.record({
    bytes: fc.oneof(
      { weight: 20, arbitrary: json(WANTED[tag] ?? fc.object({ maxDepth: 2 })) },
      { weight: 2, arbitrary: json(fc.jsonValue()) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
      { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
    ),
    type: fc.oneof(
      { weight: 20, arbitrary: fc.constant('application/json') },
      { weight: 2, arbitrary: fc.constantFrom(...TYPES) },
      { weight: 1, arbitrary: fc.constant(undefined) },
    ),
  })
}
