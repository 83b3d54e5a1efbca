import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityFixture } from '../../test/action-fixture.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { Identity, SubjectName } from '../model/identity.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import { createIdentityCache } from './identity-cache.ts'

const guest = identityFixture()

function setUp(load: (text: string) => Promise<Identity | undefined>) {
  const clock = virtualClock()
  const asked: string[] = []
  const cache = createIdentityCache({
    load: (text) => {
      asked.push(text)
      return load(text)
    },
    clock,
    entries: 10,
    ttlMs: 1000,
  })
  return { clock, asked, cache }
}

test('asks once for all who wait, and answers at once afterwards', async () => {
  const { asked, cache } = setUp(async () => guest)
  assert.deepEqual(await Promise.all([cache.get('a'), cache.get('a'), cache.get('a')]), [guest, guest, guest])
  assert.equal(cache.get('a'), guest)
  assert.deepEqual(asked, ['a'])
})

test('what leads nowhere is not asked for again within a second', async () => {
  let found: Identity | undefined
  const { asked, cache, clock } = setUp(async () => found)
  assert.equal(await cache.get('a'), undefined)
  found = guest
  assert.equal(cache.get('a'), undefined)
  await clock.advance(1001)
  assert.equal(await cache.get('a'), guest)
  assert.equal(asked.length, 2)
})

test('forgetting drops what is being read', async () => {
  const reads: PromiseWithResolvers<Identity | undefined>[] = []
  const { cache } = setUp(() => {
    const read = Promise.withResolvers<Identity | undefined>()
    reads.push(read)
    return read.promise
  })
  const before = cache.get('a')
  cache.forget(() => true)
  const after = cache.get('a')
  reads[0]?.resolve(guest)
  assert.equal(await before, guest)
  // The read that was begun before the change has filled nothing, and has not let go of the one begun after it.
  const joined = cache.get('a')
  reads[1]?.resolve(undefined)
  assert.equal(await after, undefined)
  assert.equal(await joined, undefined)
  assert.equal(reads.length, 2)
})

test('only those concerned are forgotten, and whatever led nowhere', async () => {
  const other: Identity = { ...guest, subject: 'other' as SubjectName }
  let late: Identity | undefined
  const known = new Map([
    ['a', guest],
    ['b', other],
  ])
  const { asked, cache } = setUp(async (text) => known.get(text) ?? late)
  for (const text of ['a', 'b', 'c']) await cache.get(text)
  late = guest
  cache.forget(({ subject }) => subject === 'other')
  assert.equal(cache.get('a'), guest)
  assert.equal(await cache.get('b'), other)
  assert.equal(await cache.get('c'), guest)
  assert.deepEqual(asked, ['a', 'b', 'c', 'b', 'c'])
})

test('a stale identity serves while the store is away, an unknown one is a 503 fault', async () => {
  let away = false
  const { cache, clock } = setUp(async () => {
    if (away) throw new StoreUnavailable('away')
    return guest
  })
  await cache.get('a')
  away = true
  await clock.advance(2000)
  assert.equal(await cache.get('a'), guest)
  await assert.rejects(async () => cache.get('b'), { name: 'Fault', status: 503 })
  await clock.advance(3_700_000)
  await assert.rejects(async () => cache.get('a'), { name: 'Fault', status: 503 })
})
