import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemLimitsFixture } from '../../test/action-fixture.ts'
import { freshKey } from '../../test/conformance/authentication-provider.ts'
import { memoryAuthentication } from '../../test/conformance/memory-authentication.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { NamespaceKey, SubjectName } from '../model/identity.ts'
import type { NamespaceName } from '../model/names.ts'
import { StoreUnavailable } from '../stores/artifact-store.ts'
import { createAuthenticator } from './authenticate.ts'

const TTL_MS = 60_000
const [alice, bobby] = ['alice' as SubjectName, 'bobby' as SubjectName]

function setUp() {
  const clock = virtualClock()
  const fixture = memoryAuthentication()
  const { provider } = fixture
  let asked = 0
  let away = false
  const authenticator = createAuthenticator({
    provider: {
      ...provider,
      authenticate: (authorization) => {
        asked++
        return away ? Promise.reject(new StoreUnavailable('away')) : provider.authenticate(authorization)
      },
    },
    systemLimits: systemLimitsFixture,
    clock,
    cacheEntries: 100,
    cacheTtlMs: TTL_MS,
  })
  const statusOf = async (header: string | undefined): Promise<number> => {
    try {
      await authenticator.authenticate(header)
      return 200
    } catch (error) {
      return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 0
    }
  }
  return {
    ...fixture,
    clock,
    authenticator,
    asked: () => asked,
    leave: () => (away = true),
    statusOf,
    status: (key: NamespaceKey) => statusOf(fixture.header(key)),
  }
}

test('S4-57: a thousand calls are one look-up', async () => {
  const on = setUp()
  const key = freshKey('alice')
  await on.put({ subject: alice, namespaces: [key], blocked: false })
  await Promise.all(Array.from({ length: 500 }, () => on.status(key)))
  for (let call = 0; call < 500; call++) await on.status(key)
  assert.equal(on.asked(), 1)
})

test('S4-57: a change that is told holds at once, and nobody else is looked up again', async () => {
  const on = setUp()
  const [hers, his] = [freshKey('alice'), freshKey('team')]
  await on.put({ subject: alice, namespaces: [hers], blocked: false })
  await on.put({ subject: bobby, namespaces: [his], blocked: false })
  assert.deepEqual([await on.status(hers), await on.status(his)], [200, 200])
  await on.put({ subject: alice, namespaces: [hers], blocked: true })
  on.authenticator.forgetSubject(alice, [hers.name])
  assert.equal(await on.status(hers), 401)
  const before = on.asked()
  assert.equal(await on.status(his), 200)
  assert.equal(on.asked(), before)
  // Refused a moment ago and not remembered for it.
  await on.put({ subject: alice, namespaces: [hers], blocked: false })
  on.authenticator.forgetSubject(alice, [hers.name])
  assert.equal(await on.status(hers), 200)
})

test('S4-57: a change that nobody tells holds after the time to live', async () => {
  const on = setUp()
  const key = freshKey('alice')
  await on.put({ subject: alice, namespaces: [key], blocked: false })
  assert.equal(await on.status(key), 200)
  await on.remove(alice)
  await on.clock.advance(TTL_MS - 1)
  assert.equal(await on.status(key), 200)
  await on.clock.advance(2)
  assert.equal(await on.status(key), 401)
})

test('S4-56: the provider is away: cached callers are served, others are told to come again', async () => {
  const on = setUp()
  const [known, unknown] = [freshKey('alice'), freshKey('bobby')]
  await on.put({ subject: alice, namespaces: [known], blocked: false })
  assert.equal(await on.status(known), 200)
  on.leave()
  assert.equal(await on.status(known), 200)
  await on.clock.advance(TTL_MS + 1)
  assert.equal(await on.status(known), 200)
  assert.equal(await on.status(unknown), 503)
})

test('limits hold at once for everybody in the namespace', async () => {
  const on = setUp()
  const keys = [freshKey('team'), freshKey('team'), freshKey('bobby')]
  const [first = freshKey(''), second = freshKey(''), third = freshKey('')] = keys
  await on.put({ subject: alice, namespaces: [first], blocked: false })
  await on.put({ subject: bobby, namespaces: [second, third], blocked: false })
  const shown = (): Promise<number[]> =>
    Promise.all(
      keys.map(async (key) => (await on.authenticator.authenticate(on.header(key))).limits.invocationsPerMinute),
    )
  assert.deepEqual(await shown(), [60, 60, 60])
  await on.limit('team' as NamespaceName, { invocationsPerMinute: 3 })
  on.authenticator.forgetNamespace('team' as NamespaceName)
  assert.deepEqual(await shown(), [3, 3, 60])
})

test('a namespace is charged to another subject as soon as its owner is blocked', async () => {
  const on = setUp()
  const [hers, his] = [freshKey('team'), freshKey('team')]
  await on.put({ subject: alice, namespaces: [hers], blocked: false })
  await on.put({ subject: bobby, namespaces: [his], blocked: false })
  const owner = async (): Promise<string | undefined> =>
    (await on.authenticator.ownerOf('team' as NamespaceName))?.subject
  assert.equal(await owner(), 'alice')
  await on.put({ subject: alice, namespaces: [hers], blocked: true })
  on.authenticator.forgetSubject(alice, ['team' as NamespaceName])
  assert.equal(await owner(), 'bobby')
})

test('no header and one of another scheme are both missing credentials', async () => {
  const on = setUp()
  for (const header of [undefined, 'Bearer x']) {
    await assert.rejects(async () => on.authenticator.authenticate(header), { code: 'UNAUTHENTICATED', status: 401 })
  }
  await assert.rejects(async () => on.authenticator.authenticate('Token x'), {
    code: 'INVALID_CREDENTIALS',
    status: 401,
  })
})
