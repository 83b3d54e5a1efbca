import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { secureAnnotations, webAnnotations } from './action-annotations.ts'
import { extensionOf, isArchive, isBinaryFile, kindOfFile } from './action-kinds.ts'
import { formatDuration, printable, stripLogLine } from './activation-format.ts'
import { parseEntityName, parseListScope, parseNamespaceScope, parseTopName } from './entity-name.ts'
import { CliError, exitCodeOfStatus } from './failure.ts'
import { keyValuesOf, takeKeyValues, toEntries, toObject } from './key-values.ts'
import { indentJson } from './output.ts'
import { stripSecrets } from './verbose.ts'
import { createActivationWatch } from './watch-activations.ts'

const ENTITY = keyValuesOf(['action', 'create'])

const noFiles = (): string => assert.fail('no file is read')

test('S4-2: the extension of a file tells its kind', () => {
  const kinds = ['a.js', 'a.py', 'a.swift', 'a.jar', 'a.php', 'a.rb', 'a.rs', 'a.go', 'a.balx', 'a.zip', 'js'].map(
    kindOfFile,
  )
  const families = ['nodejs', 'python', 'swift', 'java', 'php', 'ruby', 'rust', 'go', 'ballerina']
  assert.deepEqual(kinds, [...families.map((family) => `${family}:default`), undefined, undefined])
  assert.deepEqual(['a.zip', 'a.tar.gz', 'a.tgz', 'a.jar'].map(isArchive), [true, true, true, false])
  assert.deepEqual(['a.zip', 'a.jar', 'a.balx', 'a.js'].map(isBinaryFile), [true, true, true, false])
  assert.deepEqual(
    [
      extensionOf('nodejs:24', false),
      extensionOf('python:3', true),
      extensionOf('java:8', true),
      extensionOf('x:1', false),
    ],
    ['.js', '.zip', '.jar', ''],
  )
})

test('S4-2: exit codes of statuses', () => {
  assert.deepEqual(
    [400, 401, 403, 404, 405, 409, 413, 429, 502, 202].map(exitCodeOfStatus),
    [144, 145, 147, 148, 149, 153, 157, 173, 246, 202],
  )
})

test('durations are written as Go writes them', () => {
  assert.deepEqual([0, 7, 999, 1000, 1250, 60_000, 61_500, 3_600_000].map(formatDuration), [
    '0s',
    '7ms',
    '999ms',
    '1s',
    '1.25s',
    '1m0s',
    '1m1.5s',
    '1h0m0s',
  ])
})

test('log lines lose their time and stream, and what would drive a terminal', () => {
  assert.equal(stripLogLine('2016-02-10T15:18:26.454914Z    stdout: a stdout: b'), 'a stdout: b')
  assert.equal(stripLogLine('no prefix'), 'no prefix')
  assert.equal(printable('a\tb\u0007c'), 'a\tb\uFFFDc')
})

describe('names', () => {
  test('S4-2: names as wsk reads them', () => {
    assert.deepEqual(
      ['a', 'p/a', '/n/a', '/n/p/a', 'n/p/a', '/_/a'].map((name) => {
        const { namespace, segments } = parseEntityName(name, '_')
        return [namespace, ...segments].join(' ')
      }),
      ['_ a', '_ p a', 'n a', 'n p a', 'n p a', '_ a'],
    )
    for (const name of ['', '/', '/n', 'a//b', '/n/p/a/b', 'a/b/c/d', '//a', 'a/']) {
      assert.throws(() => parseEntityName(name, '_'), CliError, name)
    }
  })

  test('S4-2: packages, triggers and rules lie in no package', () => {
    assert.deepEqual(
      ['a', '/n/a', '/_/a'].map((name) => Object.values(parseTopName(name, '_', 'trigger')).slice(0, 2)),
      [
        ['_', 'a'],
        ['n', 'a'],
        ['_', 'a'],
      ],
    )
    assert.throws(() => parseTopName('p/a', '_', 'trigger'), /'p\/a' is not a valid trigger name/)
    assert.deepEqual(
      [undefined, '', '/', '/n', '/n/'].map((scope) => parseNamespaceScope(scope, '_')),
      ['_', '_', '_', 'n', 'n'],
    )
    assert.throws(() => parseNamespaceScope('n', '_'), /An entity name, 'n', was provided instead of a namespace/)
  })

  test('what a list is restricted to', () => {
    assert.deepEqual(
      [undefined, '/n', '/n/', 'p', 'p/', '/n/p'].map((scope) => parseListScope(scope, '_')),
      [
        { namespace: '_' },
        { namespace: 'n' },
        { namespace: 'n' },
        { namespace: '_', package: 'p' },
        { namespace: '_', package: 'p' },
        { namespace: 'n', package: 'p' },
      ],
    )
    assert.throws(() => parseListScope('/n/p/a', '_'), CliError)
  })
})

describe('key-value options', () => {
  test('are taken out wherever they stand, values with dashes included', () => {
    const { rest, keyValues } = takeKeyValues(
      ['invoke', '-p', 'a', '-1', 'x', '--annotation', 'b', '--', '-r', '--', '-p', 'z'],
      ENTITY,
    )
    assert.deepEqual(rest, ['invoke', 'x', '-r', '--', '-p', 'z'])
    assert.deepEqual(toObject(keyValues, 'parameter', noFiles), { a: -1 })
    assert.deepEqual(toEntries(keyValues, 'annotation', noFiles), [{ key: 'b', value: '--' }])
    assert.equal(toEntries([], 'parameter', noFiles), undefined)
  })

  test('S4-2: a trigger has parameters of its own and of its feed; other commands keep these letters for themselves', () => {
    const args = ['-F', 'cron', '* * * * *', '-T', 'a', '1', '-p', 'b', '2', '-a', 'c', '3']
    const { rest, keyValues } = takeKeyValues(args, keyValuesOf(['trigger', 'update']))
    assert.deepEqual(rest, [])
    assert.deepEqual(toObject(keyValues, 'feedParameter', noFiles), { cron: '* * * * *' })
    assert.deepEqual(toObject(keyValues, 'triggerParameter', noFiles), { a: 1 })
    assert.deepEqual(takeKeyValues(args, keyValuesOf(['action', 'create'])).rest, args.slice(0, 6))
    for (const words of [['user', 'list'], ['trigger', 'list'], ['package'], []]) {
      assert.deepEqual(takeKeyValues(args, keyValuesOf(words)), { rest: args, keyValues: [] })
    }
  })

  test('values are JSON where they can be, and later ones win over earlier ones and files', () => {
    const { keyValues } = takeKeyValues(
      ['-p', 'a', '1', '-P', 'f', '-p', 'c', '{"d":[null]}', '-p', 'e', 'true!'],
      ENTITY,
    )
    assert.deepEqual(
      toObject(keyValues, 'parameter', () => '{"a":2,"b":"x"}'),
      { a: 2, b: 'x', c: { d: [null] }, e: 'true!' },
    )
  })

  test('a missing word and a file without an object are usage errors', () => {
    for (const args of [['-p'], ['-p', 'a'], ['-P'], ['-A']]) assert.throws(() => takeKeyValues(args, ENTITY), CliError)
    for (const text of ['[]', '{', '1', 'null']) {
      assert.throws(() => toObject([{ target: 'parameter', file: 'f' }], 'parameter', () => text), CliError)
    }
  })

  test('a key called __proto__ is a key', () => {
    const { keyValues } = takeKeyValues(['-p', '__proto__', '1'], ENTITY)
    assert.equal(JSON.stringify(toObject(keyValues, 'parameter', noFiles)), '{"__proto__":1}')
  })
})

test('S4-2: --web and --web-secure', () => {
  assert.deepEqual(
    ['yes', 'TRUE', 'raw', 'no', 'false'].map((mode) =>
      webAnnotations(mode)
        .map(({ value }) => String(value === true))
        .join(' '),
    ),
    ['true false true', 'true false true', 'true true true', 'false false false', 'false false false'],
  )
  assert.throws(() => webAnnotations('maybe'), /Invalid argument 'maybe' for --web flag/)
  assert.deepEqual(secureAnnotations('true', (max) => max - 1).set, [{ key: 'require-whisk-auth', value: 2 ** 48 - 2 }])
  assert.deepEqual(secureAnnotations('false'), { set: [], remove: ['require-whisk-auth'] })
  assert.deepEqual(secureAnnotations('17').set, [{ key: 'require-whisk-auth', value: 17 }])
})

test('JSON text is indented as if it had been parsed, digits untouched', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      assert.equal(
        indentJson(JSON.stringify(value, null, space)),
        JSON.stringify(JSON.parse(JSON.stringify(value)), null, 4),
      )
    }),
  )
  assert.equal(indentJson('[1.00,1e400,-0]'), '[\n    1.00,\n    1e400,\n    -0\n]')
  assert.equal(indentJson(JSON.stringify('\\"'.repeat(500_000))).length, 2_000_002)
})

test('keys are masked in what --verbose prints', () => {
  const secret = 'x'.repeat(64)
  assert.equal(
    stripSecrets(`{"a":"23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${secret}"}`),
    '{"a":"23bc46b1-71f6-4ed5-8c54-816aa4f8c502:***"}',
  )
})

describe('watching activations', () => {
  test('each one that ends is reported once, whatever page it is on', async () => {
    let time = 1_000_000
    const stored: { activationId: string; start: number; end: number }[] = []
    const watch = createActivationWatch(
      {
        now: () => time,
        list: async ({ since, limit, skip }) =>
          stored
            .filter(({ start }) => start >= Number(since))
            .sort((a, b) => b.start - a.start)
            .slice(Number(skip), Number(skip) + Number(limit)),
      },
      time,
    )
    stored.push({ activationId: 'old', start: time - 10, end: time - 5 })
    assert.deepEqual(await watch.next(), [])
    for (let index = 0; index < 250; index++)
      stored.push({ activationId: `a${index}`, start: time + index, end: time + index })
    stored.push({ activationId: 'long', start: time - 50_000, end: time + 1000 })
    const first = await watch.next()
    assert.equal(first.length, 251)
    assert.equal(first.at(-1)?.activationId, 'long')
    assert.deepEqual(await watch.next(), [])
    time += 3_600_000
    stored.push({ activationId: 'later', start: time, end: time })
    assert.deepEqual(
      (await watch.next()).map(({ activationId }) => activationId),
      ['later'],
    )
  })
})
