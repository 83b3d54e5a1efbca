/** What every provider of entitlement does where nobody was granted anything beyond OpenWhisk's rules; see src/entitlement/entitlement-provider.ts. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Collection, EntitlementProvider, Resource } from '../../src/entitlement/entitlement-provider.ts'
import type { Right } from '../../src/model/identity.ts'
import { ALL_RIGHTS } from '../../src/model/identity.ts'
import type { EntityName, NamespaceName } from '../../src/model/names.ts'
import type { Package } from '../../src/model/package.ts'
import { createPackage } from '../../src/model/package-put.ts'
import { identityFixture } from '../action-fixture.ts'

const COLLECTIONS: readonly Collection[] = ['actions', 'packages', 'triggers', 'rules', 'activations', 'limits']
const caller = identityFixture()
const OTHER = 'other' as NamespaceName
const name = 'thing' as EntityName
const parent = 'pkg' as EntityName

function packageIn(namespace: NamespaceName, publish: boolean, bound = false): Package {
  const binding = { namespace, name: 'elsewhere' as EntityName }
  return createPackage({ namespace, name: parent }, { publish, ...(bound && { binding }) }, 1)
}

/** Everything that can be asked about in a namespace. `stored` is the package `pkg`. */
function resourcesIn(namespace: NamespaceName, stored: Package | undefined): readonly Resource[] {
  return [
    ...COLLECTIONS.flatMap((collection): readonly Resource[] => [
      { collection, namespace },
      { collection, namespace, name },
    ]),
    ...inPackage(namespace, stored),
  ]
}

/** The package, the list of it and an action in it. */
function inPackage(namespace: NamespaceName, stored: Package | undefined): readonly Resource[] {
  const held = stored === undefined ? {} : { stored }
  return [
    { collection: 'packages', namespace, name: parent, ...held },
    { collection: 'actions', namespace, package: parent, name, ...held },
  ]
}

const shown = (right: Right, { collection, namespace, package: pkg, name: inner }: Resource): string =>
  [right, collection, namespace, pkg, inner].filter((part) => part !== undefined).join(' ')

/** Registers the suite. `open` is called once a test; nothing is granted to the subject `guest`. */
export function describeEntitlementProvider(title: string, open: () => Promise<EntitlementProvider>): void {
  /** The questions that are answered yes. */
  async function allowed(resources: readonly Resource[]): Promise<readonly string[]> {
    const provider = await open()
    const found: string[] = []
    for (const right of ALL_RIGHTS) {
      for (const resource of resources) {
        const answer = await provider.permits(caller, right, resource)
        assert.equal(typeof answer, 'boolean')
        if (answer) found.push(shown(right, resource))
      }
    }
    return found
  }

  describe(`entitlement provider: ${title}`, () => {
    test('1.8: everything in one’s own namespace, there or not', async () => {
      for (const stored of [undefined, packageIn(caller.namespace, false), packageIn(caller.namespace, true, true)]) {
        const own = resourcesIn(caller.namespace, stored)
        assert.equal((await allowed(own)).length, own.length * ALL_RIGHTS.length)
      }
    })

    test('1.8, 6.4: of other namespaces, the list of their packages alone', async () => {
      assert.deepEqual(await allowed(resourcesIn(OTHER, undefined)), ['READ packages other'])
    })

    test('1.8: a published package is read, what is in it read and called, nothing of it changed', async () => {
      assert.deepEqual(await allowed(inPackage(OTHER, packageIn(OTHER, true))), [
        'READ packages other pkg',
        'READ actions other pkg thing',
        'ACTIVATE actions other pkg thing',
      ])
    })

    test('1.8: what is not published is refused like what is missing', async () => {
      assert.deepEqual(await allowed(inPackage(OTHER, packageIn(OTHER, false))), [])
      assert.deepEqual(await allowed(inPackage(OTHER, undefined)), [])
    })

    test('1.8, 14.35: bindings of others are never readable, published or not', async () => {
      assert.deepEqual(await allowed(inPackage(OTHER, packageIn(OTHER, true, true))), [])
      assert.deepEqual(await allowed(inPackage(OTHER, packageIn(OTHER, false, true))), [])
    })

    test('an answer depends on nothing that was asked before, or is asked at the same time', async () => {
      const provider = await open()
      const resources = [
        ...resourcesIn(caller.namespace, packageIn(caller.namespace, true)),
        ...resourcesIn(OTHER, packageIn(OTHER, true)),
        ...resourcesIn(OTHER, packageIn(OTHER, false)),
        ...resourcesIn(OTHER, undefined),
      ]
      const question = fc.record({ right: fc.constantFrom(...ALL_RIGHTS), resource: fc.constantFrom(...resources) })
      await fc.assert(
        fc.asyncProperty(fc.array(question, { maxLength: 30 }), async (questions) => {
          const ask = async ({ right, resource }: (typeof questions)[number]): Promise<boolean> =>
            provider.permits(caller, right, resource)
          const together = await Promise.all(questions.map(ask))
          for (const [index, each] of questions.entries()) assert.equal(await ask(each), together[index])
        }),
        { numRuns: 30 },
      )
    })
  })
}
