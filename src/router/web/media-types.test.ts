import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForm, parseMediaType } from './media-types.ts'

const rows: readonly [value: string, contentType: string | undefined, what?: 'binary' | 'text' | 'json'][] = [
  ['application/json', 'application/json', 'json'],
  ['Application/JSON; charset=UTF-16', 'application/json', 'json'],
  ['application/vnd.api+json', 'application/vnd.api+json', 'json'],
  ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded', 'text'],
  ['text/html', 'text/html; charset=UTF-8', 'text'],
  ['text/html;level=1;charset=latin1', 'text/html; level=1; charset=UTF-8', 'text'],
  ['text/plain; a="x y\\"z"', 'text/plain; a="x y\\"z"; charset=UTF-8', 'text'],
  ['text/event-stream', 'text/event-stream', 'text'],
  ['text/unknown', 'text/unknown', 'binary'],
  ['text/unknown; charset=x', 'text/unknown; charset=UTF-8', 'text'],
  ['image/png; charset=utf-8', 'image/png', 'binary'],
  ['image/svg+xml', 'image/svg+xml', 'binary'],
  ['application/soap+xml', 'application/soap+xml; charset=UTF-8', 'text'],
  [
    'application/vnd.ms-excel.sheet.macroEnabled.12; charset=x',
    'application/vnd.ms-excel.sheet.macroenabled.12',
    'binary',
  ],
  ['multipart/form-data; boundary=----x; charset=utf-8', 'multipart/form-data; boundary=----x', 'binary'],
  ['', undefined],
  ['text', undefined],
  ['text/', undefined],
  ['a/b/c', undefined],
  ['text/html\r\nX: y', undefined],
]

for (const [value, contentType, what] of rows) {
  test(`5.6: ${JSON.stringify(value)} is ${what ?? 'no media type'}`, () => {
    const parsed = parseMediaType(value)
    assert.equal(parsed?.contentType, contentType)
    if (parsed === undefined) return
    assert.equal(parsed.json ? 'json' : parsed.binary ? 'binary' : 'text', what)
    assert.equal(isForm(parsed), value.includes('x-www-form'))
  })
}
