/** What every `ArtifactStore` does with entities of all types and with their lists, long ones and those that others see. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Revision } from '../../src/model/ids.ts'
import type { ArtifactStore, Entity } from '../../src/stores/artifact-store.ts'
import { RevisionConflict } from '../../src/stores/artifact-store.ts'
import { actionOf, nameOf, namespaceOf, packageAt, ruleAt, triggerAt } from './artifact-fixtures.ts'

/** Declares the suite, on a store of its own. */
export function describeEntityLists(name: string, open: () => Promise<ArtifactStore>): void {
  describe(`ArtifactStore ${name}: types and lists`, () => {
    let store: ArtifactStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    it('gives back entities of each type, and lists each type by itself', async () => {
      const written: readonly Entity[] = [
        actionOf('types/action', 'typed', 4),
        packageAt('types/package', { publish: true, updated: 3 }),
        triggerAt('types/trigger', 2),
        ruleAt('types/rule', 1),
      ]
      for (const entity of written) {
        const code = entity.entityType === 'action' ? 'typed' : undefined
        const revision = await store.putEntity(entity, code, undefined)
        assert.deepEqual(await store.getEntity(entity), { revision, document: entity })
      }
      for (const entity of written) {
        const query = { entityType: entity.entityType, namespace: entity.namespace }
        assert.deepEqual(await store.listEntities({ ...query, skip: 0, limit: 200 }), [entity])
        assert.equal(await store.countEntities(query), 1)
      }
    })

    it('1.9: has one name for one entity, whatever its type', async () => {
      const revision = await store.putEntity(packageAt('ids/a'), undefined, undefined)
      await assert.rejects(store.putEntity(triggerAt('ids/a'), undefined, undefined), RevisionConflict)
      await assert.rejects(store.putEntity(actionOf('ids/a', 'x'), 'x', undefined), RevisionConflict)
      await store.deleteEntity(nameOf('ids/a'), revision)
      await store.putEntity(ruleAt('ids/a'), undefined, undefined)
      assert.equal((await store.getEntity(nameOf('ids/a')))?.document.entityType, 'rule')
      assert.equal(await store.countEntities({ entityType: 'package', namespace: namespaceOf('ids') }), 0)
      assert.equal(await store.countEntities({ entityType: 'rule', namespace: namespaceOf('ids') }), 1)
    })

    it('6.4: lists the packages that are shared: published, no bindings, as they are by now', async () => {
      const query = { entityType: 'package', namespace: namespaceOf('shares'), shared: true } as const
      const names = async (skip = 0, limit = 200): Promise<readonly string[]> =>
        (await store.listEntities({ ...query, skip, limit })).map(({ name: found }) => found)
      const hidden = await store.putEntity(packageAt('shares/hidden', { updated: 1 }), undefined, undefined)
      const one = packageAt('shares/one', { publish: true, updated: 2 })
      const revision = await store.putEntity(one, undefined, undefined)
      const binding = packageAt('shares/binding', { publish: true, to: 'shares/one', updated: 3 })
      await store.putEntity(binding, undefined, undefined)
      await store.putEntity(packageAt('shares/two', { publish: true, updated: 4 }), undefined, undefined)
      assert.deepEqual(await names(), ['two', 'one'])
      assert.deepEqual(await names(1, 1), ['one'])
      assert.equal(await store.countEntities(query), 2)
      assert.equal(await store.countEntities({ ...query, shared: false }), 4)
      assert.deepEqual(await store.listEntities({ ...query, skip: 1, limit: 1 }), [one])

      await store.putEntity(packageAt('shares/hidden', { publish: true, updated: 5 }), undefined, hidden)
      await store.putEntity(packageAt('shares/one', { updated: 6 }), undefined, revision)
      assert.deepEqual(await names(), ['hidden', 'two'])
      assert.equal(await store.countEntities(query), 2)
    })

    it('S3-30: finds each page of a long list, while it is written to', async () => {
      const namespace = namespaceOf('long')
      const query = { entityType: 'trigger', namespace } as const
      const order: string[] = []
      const revisions = new Map<string, Revision>()
      const put = async (index: number, updated: number): Promise<void> => {
        const path = `long/t${index}`
        revisions.set(path, await store.putEntity(triggerAt(path, updated), undefined, revisions.get(path)))
      }
      await Promise.all(Array.from({ length: 2200 }, (_, index) => put(index, index)))
      for (let index = 2199; index >= 0; index--) order.push(`t${index}`)
      const check = async (): Promise<void> => {
        assert.equal(await store.countEntities(query), order.length)
        for (const skip of [0, 499, 500, 501, 1000, 1234, 1999, order.length - 3]) {
          const page = await store.listEntities({ ...query, skip, limit: 7 })
          assert.deepEqual(
            page.map(({ name: found }) => found),
            order.slice(skip, skip + 7),
          )
        }
      }
      await check()
      // Updated ones go to the front, removed ones go.
      for (const index of [3, 700, 1500, 2100]) {
        await put(index, 5000 + index)
        order.splice(order.indexOf(`t${index}`), 1)
      }
      order.unshift('t2100', 't1500', 't700', 't3')
      for (const index of [0, 600, 1100, 1900]) {
        const path = `long/t${index}`
        const revision = revisions.get(path)
        assert.ok(revision !== undefined)
        await store.deleteEntity(nameOf(path), revision)
        order.splice(order.indexOf(`t${index}`), 1)
      }
      await check()
    })
  })
}
