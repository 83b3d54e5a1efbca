/** Bodies of `PUT /packages/P` that are refused, and in which order. */

import type { Request, Row } from './table.ts'
import { describeTable } from './table.ts'

const put = (name: string, body: unknown = {}, query = ''): Request => ({
  method: 'PUT',
  path: `packages/${name}${query}`,
  body,
})
const putAction = (path: string): Request => ({
  method: 'PUT',
  path: `actions/${path}`,
  body: { exec: { kind: 'nodejs:20', code: '' } },
})
const to = (name: string): object => ({ binding: { namespace: '_', name } })
const malformed = (detail: string): string => `The request content was malformed:\n${detail}`
const TOO_MUCH = [{ key: 'a', value: 'x'.repeat(10_000) }]

/** A PUT of `body` that is refused. */
const refused = (section: string, body: unknown, error: string | RegExp, status = 400): Row => ({
  section,
  what: `refuses ${JSON.stringify(body).slice(0, 80)}`,
  ...put('p', body),
  status,
  error,
})

describeTable('packages: refused bodies', [
  {
    section: 'correction 1',
    what: 'no body',
    method: 'PUT',
    path: 'packages/p',
    status: 400,
    error: /^The request content was malformed:\nUnexpected end-of-input/,
  },
  {
    section: '0.3',
    what: 'no JSON',
    ...put('p', 'x'),
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
    status: 415,
    error: "The request's Content-Type [text/plain; charset=UTF-8] is not supported. Expected:\napplication/json",
  },
  refused('0.3', [], malformed("Object expected in field 'exec'")),
  refused('2.3', { parameters: {} }, malformed('parameters malformed!')),
  refused('2.3', { parameters: [{ key: 'a' }] }, malformed('parameters malformed!')),
  refused('2.3', { parameters: [{ key: 'a', value: 1, init: 1 }] }, malformed('parameters malformed!')),
  refused('2.3', { annotations: [{ value: 1 }] }, malformed('parameters malformed!')),
  refused('2.3', { parameters: TOO_MUCH }, 'parameters larger than allowed: 10003 > 10000 bytes.', 413),
  refused('2.3', { annotations: TOO_MUCH }, 'annotations larger than allowed: 10003 > 10000 bytes.', 413),
  refused('2.2', { version: '' }, malformed('semantic version malformed')),
  refused('2.2', { version: '0.0.0' }, malformed('semantic version malformed')),
  refused('2.3', { publish: 'yes' }, malformed('Expected JsTrue or JsFalse, but got "yes"')),
  refused('6.2, 14.29', { binding: false }, malformed("Object expected in field 'namespace'")),
  refused('6.2', { binding: 'a/b' }, malformed("Object expected in field 'namespace'")),
  refused('6.2', { binding: { name: 'p' } }, malformed("Object is missing required member 'namespace'")),
  refused('6.2', { binding: { namespace: '_' } }, malformed("Object is missing required member 'name'")),
  refused('6.2', { binding: { namespace: '_', name: 1 } }, malformed('entity name malformed')),
  refused('6.2', { binding: { namespace: '_', name: '$a' } }, malformed('name [$a] is not allowed')),
  {
    section: 'correction 4',
    what: 'what is too large is refused before what is malformed',
    ...put('p', { parameters: TOO_MUCH, version: 'x', binding: false }),
    status: 413,
    error: 'parameters larger than allowed: 10003 > 10000 bytes.',
  },
  {
    section: '0.5',
    what: 'overwrite is a Boolean',
    ...put('p', {}, '?overwrite=x'),
    status: 400,
    error: "The query parameter 'overwrite' was malformed:\n'x' is not a valid Boolean value",
  },
])

describeTable('packages: refused names', [
  {
    section: '6.2',
    what: 'the name `default` is reserved',
    ...put('default'),
    status: 400,
    error: "Package name 'default' is reserved.",
  },
  {
    section: 'correction 4',
    what: 'a body that cannot be decoded comes before the reserved name',
    ...put('default', { parameters: 1 }),
    status: 400,
    error: malformed('parameters malformed!'),
  },
  {
    section: 'correction 4',
    what: 'the reserved name comes before the rest of the body',
    ...put('default', { binding: false }),
    status: 400,
    error: "Package name 'default' is reserved.",
  },
  ...['%20', 'hi+there', '$hola', 'dora%3F', 'a%2Fb'].map((name) => illegalName(name)),
  {
    section: '2.1',
    what: 'a name of 257 characters',
    ...put('x'.repeat(257)),
    status: 400,
    error: 'Name segement longer than allowed: 257 > 256.',
  },
  {
    section: '2.1',
    what: 'no name',
    ...put(''),
    status: 404,
    error: 'The requested resource could not be found.',
  },
])

function illegalName(name: string): Row {
  const error = 'The name of the entity contains illegal characters.'
  return { section: '2.1', what: `the name ${name}`, ...put(name), status: 400, error }
}

describeTable('packages: conflicts', [
  {
    section: '2.5',
    what: 'it exists',
    given: [put('p')],
    ...put('p'),
    status: 409,
    error: 'resource already exists',
  },
  {
    section: '1.9',
    what: 'the name is an action’s',
    given: [putAction('a')],
    ...put('a'),
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  {
    section: '1.9',
    what: 'the name is an action’s, with overwrite',
    given: [putAction('a')],
    ...put('a', {}, '?overwrite=true'),
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  {
    section: '1.9',
    what: 'an action cannot take the name of a package',
    given: [put('p')],
    ...putAction('p'),
    status: 409,
    error: 'Resource by this name exists but is not in this collection.',
  },
  {
    section: '6.2',
    what: 'a binding to what is not there',
    ...put('b', to('none')),
    status: 400,
    error: 'Binding references a package that does not exist.',
  },
  {
    section: '6.2',
    what: 'a binding to itself that is not there',
    ...put('b', to('b')),
    status: 400,
    error: 'Binding references a package that does not exist.',
  },
  {
    section: '6.2',
    what: 'a binding to an action',
    given: [putAction('a')],
    ...put('b', to('a')),
    status: 409,
    error: 'Cannot bind to a resource that is not a package.',
  },
  {
    section: '6.2',
    what: 'a binding to a binding',
    given: [put('p'), put('b', to('p'))],
    ...put('c', to('b')),
    status: 400,
    error: 'Cannot bind to another package binding.',
  },
  {
    section: '6.2',
    what: 'a binding pointed at a binding',
    given: [put('p'), put('b', to('p')), put('c', to('p'))],
    ...put('c', to('b'), '?overwrite=true'),
    status: 400,
    error: 'Cannot bind to another package binding.',
  },
  {
    section: '6.2',
    what: 'a binding pointed at itself',
    given: [put('p'), put('b', to('p'))],
    ...put('b', to('b'), '?overwrite=true'),
    status: 400,
    error: 'Cannot bind to another package binding.',
  },
  {
    section: '6.2',
    what: 'a package does not become a binding',
    given: [put('p'), put('q')],
    ...put('p', to('q'), '?overwrite=true'),
    status: 409,
    error: 'Resource is a package and cannot be converted into a binding.',
  },
  {
    section: '2.5',
    what: 'that it exists comes before what it would be bound to',
    given: [put('p'), put('b', to('p')), put('q')],
    ...put('q', to('b')),
    status: 409,
    error: 'resource already exists',
  },
])
