import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityFixture } from '../../test/action-fixture.ts'
import type { Right } from '../model/identity.ts'
import type { EntityName, NamespaceName } from '../model/names.ts'
import { basicEntitlement } from './basic-entitlement.ts'
import type { Resource } from './entitlement-provider.ts'
import { requireRight } from './require-right.ts'

const guest = 'guest' as NamespaceName
const other = 'other' as NamespaceName
const pkg = 'pkg' as EntityName
const refusalOf = (resources: string): object => ({
  status: 403,
  message: `The supplied authentication is not authorized to access '${resources}'.`,
})
const check = (right: Right, rights: readonly Right[], ...resources: readonly Resource[]): Promise<void> =>
  requireRight(basicEntitlement(), { ...identityFixture(), rights }, right, ...resources)

test('1.8: all that is refused is named, sorted, and once: the collection by its namespace, what lies in a package by the package', async () => {
  await assert.rejects(
    check(
      'READ',
      ['READ'],
      { collection: 'actions', namespace: other, package: pkg, name: 'b' },
      { collection: 'actions', namespace: guest, name: 'mine' },
      { collection: 'actions', namespace: other, name: 'a' },
      { collection: 'actions', namespace: other, package: pkg, name: 'c' },
      { collection: 'triggers', namespace: other },
    ),
    refusalOf('other, other/a, other/pkg'),
  )
})

test('1.8: a key that lacks the right is refused everything, its own namespace included', async () => {
  const own: Resource = { collection: 'actions', namespace: guest, name: 'mine' }
  await assert.rejects(check('PUT', ['READ', 'ACTIVATE'], own), refusalOf('guest/mine'))
  await check('READ', ['READ', 'ACTIVATE'], own)
})

test('nothing asked for is nothing refused', () => check('DELETE', []))
