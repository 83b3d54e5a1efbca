import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { identityFixture } from '../../test/action-fixture.ts'
import { storesFixture } from '../../test/conformance/sqlite-stores.ts'
import type { Resource } from '../entitlement/entitlement-provider.ts'
import type { SubjectName } from '../model/identity.ts'
import type { NamespaceName } from '../model/names.ts'
import { openEntitlement } from './open-entitlement.ts'

const MODULE = join(import.meta.dirname, '../../test/conformance/granting-entitlement.ts')
const directories = storesFixture()
const audited: Resource = { collection: 'actions', namespace: 'audited' as NamespaceName, name: 'a' }
const auditor = { ...identityFixture(), subject: 'auditor' as SubjectName }

test('`basic` knows no grants', async () => {
  const provider = await openEntitlement('basic')
  assert.equal(await provider.permits(auditor, 'READ', audited), false)
})

for (const name of [MODULE, pathToFileURL(MODULE).href]) {
  test(`a module is loaded by ${name.startsWith('file:') ? 'URL' : 'path'}`, async () => {
    const provider = await openEntitlement(name)
    assert.equal(await provider.permits(auditor, 'READ', audited), true)
    assert.equal(await provider.permits(auditor, 'PUT', audited), false)
    assert.equal(await provider.permits(identityFixture(), 'READ', audited), false)
  })
}

test('what is no provider is refused with the name of the key', async () => {
  const directory = directories.directory()
  const written = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  await assert.rejects(
    openEntitlement(join(directory, 'missing.mjs')),
    /^Error: entitlement\.provider: .* cannot be loaded$/,
  )
  await assert.rejects(openEntitlement(written('none.mjs', '')), /must export createEntitlementProvider\(\)/)
  const text = 'export const createEntitlementProvider = () => ({})'
  await assert.rejects(openEntitlement(written('empty.mjs', text)), /must export createEntitlementProvider\(\)/)
})
