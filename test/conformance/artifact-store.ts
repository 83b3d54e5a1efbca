/** What every `ArtifactStore` does, whatever it stores in. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { SubjectName } from '../../src/model/identity.ts'
import type { Revision } from '../../src/model/ids.ts'
import type { ArtifactStore } from '../../src/stores/artifact-store.ts'
import { RevisionConflict } from '../../src/stores/artifact-store.ts'
import { actionOf, digestOf, keyOf, nameOf, namespaceOf, packageOf, subjectOf } from './artifact-fixtures.ts'
import { describeEntityLists } from './artifact-lists.ts'
import { agreesWithModel } from './artifact-store-model.ts'

const WRONG = '0-wrong' as Revision

/** Declares the suite. `open` opens an empty store; it is closed by the suite. Namespaces are used once, so one store serves all tests. */
export function describeArtifactStore(name: string, open: () => Promise<ArtifactStore>): void {
  describe(`ArtifactStore ${name}`, () => {
    let store: ArtifactStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    it('S3-30: gives back what was stored, under the revision that the write answered', async () => {
      const action = actionOf('crud/hello', 'code one')
      const revision = await store.putEntity(action, 'code one', undefined)
      assert.deepEqual(await store.getEntity(nameOf('crud/hello')), { revision, document: action })
      assert.equal(await store.getCode(digestOf('code one')), 'code one')
      assert.equal(await store.getEntity(nameOf('crud/other')), undefined)
      assert.equal(await store.getEntity(nameOf('crud/hello/hello')), undefined)
      assert.equal(await store.getCode(digestOf('never stored')), undefined)
    })

    it('tells NS/A and NS/PKG/A apart, and upper from lower case', async () => {
      await store.putEntity(actionOf('names/a', 'top'), 'top', undefined)
      await store.putEntity(actionOf('names/pkg/a', 'inner'), 'inner', undefined)
      await store.putEntity(actionOf('names/A', 'upper'), 'upper', undefined)
      const found = await store.getEntity(nameOf('names/pkg/a'))
      assert.equal(found?.document.package, 'pkg')
      assert.equal(await store.countEntities({ entityType: 'action', namespace: namespaceOf('names') }), 3)
    })

    it('S3-30: rejects a create over an existing entity and an update from another revision', async () => {
      const action = actionOf('conflict/a', 'x')
      const first = await store.putEntity(action, 'x', undefined)
      await assert.rejects(store.putEntity(action, 'x', undefined), RevisionConflict)
      await assert.rejects(store.putEntity(action, 'x', WRONG), RevisionConflict)
      await assert.rejects(store.putEntity(actionOf('conflict/b', 'x'), 'x', WRONG), RevisionConflict)
      await assert.rejects(store.deleteEntity(nameOf('conflict/a'), WRONG), RevisionConflict)
      await assert.rejects(store.deleteEntity(nameOf('conflict/b'), WRONG), RevisionConflict)
      const second = await store.putEntity({ ...action, updated: 2 }, undefined, first)
      assert.notEqual(second, first)
      await assert.rejects(store.putEntity(action, undefined, first), RevisionConflict)
      assert.deepEqual(await store.getEntity(nameOf('conflict/a')), {
        revision: second,
        document: { ...action, updated: 2 },
      })
    })

    it('lets exactly one of many concurrent writers win', async () => {
      const action = actionOf('race/a', 'x')
      const created = await Promise.allSettled(
        Array.from({ length: 20 }, () => store.putEntity(action, 'x', undefined)),
      )
      assert.equal(created.filter(({ status }) => status === 'fulfilled').length, 1)
      const read = await store.getEntity(nameOf('race/a'))
      const updated = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          store.putEntity({ ...action, updated: index }, undefined, read?.revision),
        ),
      )
      assert.equal(updated.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const { status, reason } of updated.filter((each) => each.status === 'rejected')) {
        assert.ok(status === 'rejected' && reason instanceof RevisionConflict)
      }
    })

    it('never gives a revision twice, not even to the same document created anew', async () => {
      const seen = new Set<string>()
      for (let round = 0; round < 5; round++) {
        const revision = await store.putEntity(actionOf('anew/a', 'x'), 'x', undefined)
        seen.add(revision)
        await store.deleteEntity(nameOf('anew/a'), revision)
        assert.equal(await store.getEntity(nameOf('anew/a')), undefined)
      }
      assert.equal(seen.size, 5)
    })

    it('keeps code as long as an entity refers to it, and a while longer', async () => {
      const one = await store.putEntity(actionOf('code/one', 'shared'), 'shared', undefined)
      const two = await store.putEntity(actionOf('code/two', 'shared'), undefined, undefined)
      await store.deleteEntity(nameOf('code/one'), one)
      assert.equal(await store.getCode(digestOf('shared')), 'shared')
      await store.putEntity(actionOf('code/two', 'other'), 'other', two)
      assert.equal(await store.getCode(digestOf('shared')), 'shared')
    })

    it('rejects an entity whose code is neither given nor stored', async () => {
      await assert.rejects(store.putEntity(actionOf('code/missing', 'nowhere'), undefined, undefined))
      assert.equal(await store.getEntity(nameOf('code/missing')), undefined)
    })

    it('stores megabytes of code', async () => {
      const code = 'äß0123456789'.repeat(400_000)
      await store.putEntity(actionOf('large/a', code), code, undefined)
      assert.equal(await store.getCode(digestOf(code)), code)
    })

    it('S3-30: lists newest first in pages, and counts regardless of the page', async () => {
      for (const index of [3, 1, 5, 2, 4]) {
        await store.putEntity(actionOf(`list/a${index}`, 'x', index), 'x', undefined)
        await store.putEntity(actionOf(`list/pkg/p${index}`, 'x', index * 10), 'x', undefined)
      }
      await store.putEntity(actionOf('list2/a', 'x', 9), 'x', undefined)
      const query = { entityType: 'action', namespace: namespaceOf('list') } as const
      const names = async (skip: number, limit: number, pkg?: string): Promise<string[]> => {
        const found = await store.listEntities({
          ...query,
          ...(pkg !== undefined && { package: packageOf(pkg) }),
          skip,
          limit,
        })
        return found.map((entity) => entity.name)
      }
      assert.deepEqual(await names(0, 200), ['p5', 'p4', 'p3', 'p2', 'p1', 'a5', 'a4', 'a3', 'a2', 'a1'])
      assert.deepEqual(await names(4, 3), ['p1', 'a5', 'a4'])
      assert.deepEqual(await names(1, 2, 'pkg'), ['p4', 'p3'])
      assert.deepEqual(await names(0, 0), [])
      assert.deepEqual(await names(100, 10), [])
      assert.equal(await store.countEntities(query), 10)
      assert.equal(await store.countEntities({ ...query, package: packageOf('pkg') }), 5)
      assert.equal(await store.countEntities({ ...query, package: packageOf('none') }), 0)
      const [first] = await store.listEntities({ ...query, skip: 0, limit: 1 })
      assert.deepEqual(first, actionOf('list/pkg/p5', 'x', 50))
    })

    it('finds the caller of a key, and nobody for a wrong one', async () => {
      const subject = subjectOf('anna', ['anna', 'team'])
      await store.putSubject(subject, undefined)
      await store.putLimits(namespaceOf('team'), { invocationsPerMinute: 7, allowedKinds: ['nodejs:24'] })
      assert.deepEqual(await store.findIdentity('anna-team', keyOf('anna-team')), {
        subject: 'anna',
        namespace: subject.namespaces[1],
        limits: { invocationsPerMinute: 7, allowedKinds: ['nodejs:24'] },
      })
      const own = await store.findIdentity('anna-anna', keyOf('anna-anna'))
      assert.deepEqual(own?.limits, {})
      assert.equal(await store.findIdentity('anna-team', keyOf('wrong')), undefined)
      assert.equal(await store.findIdentity('anna-team', ''), undefined)
      assert.equal(await store.findIdentity('nobody', keyOf('anna-team')), undefined)
      assert.equal(await store.findIdentity("' OR 1=1 --", keyOf('anna-team')), undefined)
    })

    it('authenticates only keys of 64 characters', async () => {
      const key = 'k'.repeat(65)
      const namespaces = [{ name: namespaceOf('longkey'), uuid: 'longkey-longkey', key }]
      await store.putSubject({ ...subjectOf('longkey', []), namespaces }, undefined)
      assert.equal(await store.findIdentity('longkey-longkey', key), undefined)
      assert.equal(await store.findIdentity('longkey-longkey', key.slice(1)), undefined)
    })

    it('does not know blocked subjects, until they are unblocked', async () => {
      const revision = await store.putSubject(subjectOf('blocked', ['blocked'], true), undefined)
      assert.equal(await store.findIdentity('blocked-blocked', keyOf('blocked-blocked')), undefined)
      await store.putSubject(subjectOf('blocked', ['blocked']), revision)
      assert.notEqual(await store.findIdentity('blocked-blocked', keyOf('blocked-blocked')), undefined)
    })

    it('replaces the keys of a subject with its document', async () => {
      const revision = await store.putSubject(subjectOf('rekeyed', ['one', 'two']), undefined)
      const next = await store.putSubject(subjectOf('rekeyed', ['two', 'three']), revision)
      assert.equal(await store.findIdentity('rekeyed-one', keyOf('rekeyed-one')), undefined)
      assert.notEqual(await store.findIdentity('rekeyed-three', keyOf('rekeyed-three')), undefined)
      assert.deepEqual(await store.getSubject('rekeyed' as SubjectName), {
        revision: next,
        document: subjectOf('rekeyed', ['two', 'three']),
      })
      await store.deleteSubject('rekeyed' as SubjectName, next)
      assert.equal(await store.getSubject('rekeyed' as SubjectName), undefined)
      assert.equal(await store.findIdentity('rekeyed-two', keyOf('rekeyed-two')), undefined)
    })

    it('rejects conflicting subjects and leaves what is stored as it was', async () => {
      const revision = await store.putSubject(subjectOf('owner', ['shared-ns']), undefined)
      await assert.rejects(store.putSubject(subjectOf('owner', ['shared-ns']), undefined), RevisionConflict)
      await assert.rejects(store.putSubject(subjectOf('owner', []), WRONG), RevisionConflict)
      await assert.rejects(store.deleteSubject('owner' as SubjectName, WRONG), RevisionConflict)
      const thief = {
        ...subjectOf('thief', ['free']),
        namespaces: [...subjectOf('thief', ['free']).namespaces, ...subjectOf('owner', ['shared-ns']).namespaces],
      }
      await assert.rejects(store.putSubject(thief, undefined), RevisionConflict)
      assert.equal(await store.getSubject('thief' as SubjectName), undefined)
      assert.equal(await store.findIdentity('thief-free', keyOf('thief-free')), undefined)
      assert.equal((await store.findIdentity('owner-shared-ns', keyOf('owner-shared-ns')))?.subject, 'owner')
      assert.equal((await store.getSubject('owner' as SubjectName))?.revision, revision)
    })

    it('finds a key of a namespace: of the subject of that name, else of the first that is not blocked', async () => {
      await store.putSubject(subjectOf('abe', ['web-ns', 'web-team']), undefined)
      const own = await store.putSubject(subjectOf('web-ns', ['web-ns']), undefined)
      await store.putSubject(subjectOf('zac', ['web-team']), undefined)
      await store.putLimits(namespaceOf('web-ns'), { invocationsPerMinute: 7 })
      const [key] = subjectOf('web-ns', ['web-ns']).namespaces
      assert.deepEqual(await store.findNamespace(namespaceOf('web-ns')), {
        subject: 'web-ns',
        namespace: key,
        limits: { invocationsPerMinute: 7 },
      })
      assert.equal((await store.findNamespace(namespaceOf('web-team')))?.subject, 'abe')
      await store.putSubject(subjectOf('web-ns', ['web-ns'], true), own)
      assert.equal((await store.findNamespace(namespaceOf('web-ns')))?.subject, 'abe')
      await store.putSubject(subjectOf('shut-out', ['web-shut'], true), undefined)
      assert.equal(await store.findNamespace(namespaceOf('web-shut')), undefined)
      assert.equal(await store.findNamespace(namespaceOf('web-nobody')), undefined)
    })

    it('lists the subjects of a namespace by name', async () => {
      for (const name of ['zoe', 'bob', 'mia'])
        await store.putSubject(subjectOf(name, ['common', `only-${name}`]), undefined)
      const common = await store.listSubjects(namespaceOf('common'))
      assert.deepEqual(
        common.map(({ subject }) => subject),
        ['bob', 'mia', 'zoe'],
      )
      assert.deepEqual(await store.listSubjects(namespaceOf('only-mia')), [subjectOf('mia', ['common', 'only-mia'])])
      assert.deepEqual(await store.listSubjects(namespaceOf('empty')), [])
      const all = (await store.listSubjects()).map(({ subject }) => subject)
      assert.ok(all.includes('bob' as SubjectName) && all.includes('mia' as SubjectName))
      assert.deepEqual(all, all.toSorted())
    })

    it('replaces and removes limits', async () => {
      const namespace = namespaceOf('limited')
      assert.deepEqual(await store.getLimits(namespace), {})
      await store.putLimits(namespace, { firesPerMinute: 1, maxParameterSize: '1 MB' })
      await store.putLimits(namespace, { storeActivations: false })
      assert.deepEqual(await store.getLimits(namespace), { storeActivations: false })
      await store.putLimits(namespace, undefined)
      await store.putLimits(namespace, undefined)
      assert.deepEqual(await store.getLimits(namespace), {})
    })

    it('lists the namespaces that have limits', async () => {
      await store.putLimits(namespaceOf('second-limits'), { firesPerMinute: 2 })
      await store.putLimits(namespaceOf('first-limits'), { firesPerMinute: 1 })
      const mine = (await store.listLimits()).filter(({ namespace }) => namespace.endsWith('-limits'))
      assert.deepEqual(mine, [
        { namespace: 'first-limits', limits: { firesPerMinute: 1 } },
        { namespace: 'second-limits', limits: { firesPerMinute: 2 } },
      ])
    })

    it('walks through all entities page by page, whatever is written and deleted on the way', async () => {
      for (const path of ['a', 'pkg/b', 'c', 'd', 'e'])
        await store.putEntity(actionOf(`walked/${path}`, 'x'), 'x', undefined)
      await store.putEntity(actionOf('walked-too/a', 'x'), 'x', undefined)
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await store.scanEntities({ namespace: namespaceOf('walked'), after, limit: 2 })
        assert.ok(page.entities.length <= 2)
        seen.push(...page.entities.map(({ document }) => document.name))
        for (const { document, revision } of page.entities) {
          if (document.name === 'a') await store.putEntity({ ...document, updated: 7 }, undefined, revision)
          else await store.deleteEntity(document, revision)
        }
        after = page.next
      } while (after !== undefined)
      assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
      const everywhere = await store.scanEntities({ limit: 1000 })
      const left = everywhere.entities.filter(({ document }) => document.namespace.startsWith('walked'))
      assert.deepEqual(
        left.map(({ document }) => [document.namespace, document.updated === 7]),
        [
          ['walked', true],
          ['walked-too', false],
        ],
      )
    })

    it('agrees with a model after any sequence of operations', () => agreesWithModel(store))

    it('answers the probe', () => store.probe())
  })
  describeEntityLists(name, open)
}
