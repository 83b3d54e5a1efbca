/** The artifact store against a map: random operations must have the same outcome in both. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RunnableAction } from '../../src/model/action.ts'
import type { Revision } from '../../src/model/ids.ts'
import type { ArtifactStore, Stored } from '../../src/stores/artifact-store.ts'
import { RevisionConflict } from '../../src/stores/artifact-store.ts'
import { actionOf, digestOf, nameOf, namespaceOf, packageOf } from './artifact-fixtures.ts'

const PATHS = ['a', 'b', 'pkg/a', 'pkg/b', 'pkg2/a']
const CODES = ['one', 'two', 'three']
const STALE = '0-stale' as Revision

const path = fc.constantFrom(...PATHS)
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      path,
      code: fc.constantFrom(...CODES),
      updated: fc.integer({ min: 0, max: 5 }),
      revision: fc.constantFrom('current', 'none', 'stale'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('delete' as const), path, revision: fc.constantFrom('current', 'stale') }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('get' as const), path }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('list' as const),
      package: fc.constantFrom(undefined, 'pkg', 'pkg2'),
      skip: fc.nat(4),
      limit: fc.nat(5),
    }),
  },
)
type ModelOperation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

/** Runs random sequences, each in a namespace of its own. Rejects with fast-check's report of the shortest one that differs. */
export async function agreesWithModel(store: ArtifactStore, runs = 40): Promise<void> {
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 15 }), async (operations) => {
      const namespace = `model${++run}`
      const model = new Map<string, Stored<RunnableAction>>()
      for (const each of operations) await apply(store, namespace, model, each)
      for (const { document } of model.values()) {
        const digest = document.exec.code
        assert.ok(digest !== undefined && CODES.some((code) => digestOf(code) === digest))
        assert.notEqual(await store.getCode(digest), undefined)
      }
    }),
    { numRuns: runs },
  )
}

async function apply(
  store: ArtifactStore,
  namespace: string,
  model: Map<string, Stored<RunnableAction>>,
  each: ModelOperation,
): Promise<void> {
  switch (each.type) {
    case 'put': {
      const held = model.get(each.path)
      const expected = revisionFor(each.revision, held)
      const document = actionOf(`${namespace}/${each.path}`, each.code, each.updated)
      const put = store.putEntity(document, each.code, expected)
      if (expected !== held?.revision) return assert.rejects(put, RevisionConflict)
      model.set(each.path, { revision: await put, document })
      return
    }
    case 'delete': {
      const held = model.get(each.path)
      const removal = store.deleteEntity(nameOf(`${namespace}/${each.path}`), revisionFor(each.revision, held) ?? STALE)
      if (held === undefined || each.revision === 'stale') return assert.rejects(removal, RevisionConflict)
      await removal
      model.delete(each.path)
      return
    }
    case 'get':
      return assert.deepEqual(await store.getEntity(nameOf(`${namespace}/${each.path}`)), model.get(each.path))
    case 'list': {
      const query = {
        entityType: 'action',
        namespace: namespaceOf(namespace),
        ...(each.package !== undefined && { package: packageOf(each.package) }),
      } as const
      const all = [...model.values()]
        .map(({ document }) => document)
        .filter((document) => each.package === undefined || document.package === each.package)
      assert.equal(await store.countEntities(query), all.length)
      const found = await store.listEntities({ ...query, skip: each.skip, limit: each.limit })
      const order = all.map(({ updated }) => updated).sort((one, other) => other - one)
      // Which of equally old ones comes first is not specified.
      assert.deepEqual(
        found.map(({ updated }) => updated),
        order.slice(each.skip, each.skip + each.limit),
      )
      for (const entity of found) assert.ok(all.some((other) => JSON.stringify(other) === JSON.stringify(entity)))
    }
  }
}

function revisionFor(which: string, held: Stored<RunnableAction> | undefined): Revision | undefined {
  if (which === 'current') return held?.revision
  return which === 'none' ? undefined : STALE
}
