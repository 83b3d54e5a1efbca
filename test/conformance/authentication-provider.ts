/** What every provider of identities does; see src/router/authentication-provider.ts. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NamespaceKey, Subject, SubjectName } from '../../src/model/identity.ts'
import type { NamespaceLimits } from '../../src/model/limits.ts'
import type { NamespaceName } from '../../src/model/names.ts'
import type { AuthenticationProvider } from '../../src/router/authentication-provider.ts'

/** A provider, and the ways to change what it knows. */
export interface ProviderFixture {
  readonly provider: AuthenticationProvider
  /** Adds the subject, or replaces it. */
  put(subject: Subject): Promise<void>
  remove(subject: SubjectName): Promise<void>
  limit(namespace: NamespaceName, limits: NamespaceLimits): Promise<void>
  /** The `Authorization` header that goes with a key. */
  header(key: NamespaceKey): string
  /** Headers of the provider's scheme that nobody's credential is in. */
  readonly invalid: readonly string[]
}

let counter = 0

/** A key that no other test has. */
export function freshKey(namespace: string): NamespaceKey {
  counter++
  const uuid = `00000000-0000-4000-8000-${counter.toString(16).padStart(12, '0')}`
  return { name: namespace as NamespaceName, uuid, key: `${counter}x`.padEnd(64, 'k') }
}

function subjectOf(name: string, namespaces: readonly NamespaceKey[], blocked = false): Subject {
  return { subject: name as SubjectName, namespaces, blocked }
}

/** Registers the suite. `open` is called once a test. */
export function describeAuthenticationProvider(name: string, open: () => Promise<ProviderFixture>): void {
  describe(`authentication provider: ${name}`, () => {
    test('S4-56: a credential is one subject in one namespace', async () => {
      const on = await open()
      const [own, team] = [freshKey('alice'), freshKey('team')]
      await on.put(subjectOf('alice', [own, team]))
      for (const key of [own, team]) {
        assert.deepEqual(await on.provider.authenticate(on.header(key)), {
          subject: 'alice',
          namespace: key,
          limits: {},
        })
        assert.deepEqual(await on.provider.keyHolder(key.uuid, key.key), {
          subject: 'alice',
          namespace: key,
          limits: {},
        })
      }
    })

    test('several subjects have the same namespace, each by a key of its own', async () => {
      const on = await open()
      const [one, other] = [freshKey('team'), freshKey('team')]
      await on.put(subjectOf('alice', [one]))
      await on.put(subjectOf('bobby', [other]))
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(one)), { subject: 'alice' })
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(other)), { subject: 'bobby' })
      await on.remove('alice' as SubjectName)
      assert.equal(await on.provider.authenticate(on.header(one)), 'invalid')
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(other)), { subject: 'bobby' })
    })

    test('a blocked subject is as one that is not there, until it is unblocked', async () => {
      const on = await open()
      const key = freshKey('alice')
      await on.put(subjectOf('alice', [key], true))
      assert.equal(await on.provider.authenticate(on.header(key)), 'invalid')
      assert.equal(await on.provider.keyHolder(key.uuid, key.key), undefined)
      assert.equal(await on.provider.ownerOf(key.name), undefined)
      await on.put(subjectOf('alice', [key]))
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(key)), { subject: 'alice' })
    })

    test('a key that was replaced is nobody’s at once', async () => {
      const on = await open()
      const [before, after] = [freshKey('alice'), freshKey('alice')]
      await on.put(subjectOf('alice', [before]))
      await on.put(subjectOf('alice', [after]))
      assert.equal(await on.provider.authenticate(on.header(before)), 'invalid')
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(after)), { namespace: after })
    })

    test('uuid and secret belong together', async () => {
      const on = await open()
      const [one, other] = [freshKey('alice'), freshKey('bobby')]
      await on.put(subjectOf('alice', [one]))
      await on.put(subjectOf('bobby', [other]))
      assert.equal(await on.provider.authenticate(on.header({ ...one, key: other.key })), 'invalid')
      assert.equal(await on.provider.keyHolder(one.uuid, other.key), undefined)
    })

    test('the limits of the namespace come with the identity', async () => {
      const on = await open()
      const key = freshKey('alice')
      await on.put(subjectOf('alice', [key]))
      await on.limit(key.name, { invocationsPerMinute: 7 })
      assert.partialDeepStrictEqual(await on.provider.authenticate(on.header(key)), {
        limits: { invocationsPerMinute: 7 },
      })
      assert.partialDeepStrictEqual(await on.provider.ownerOf(key.name), { limits: { invocationsPerMinute: 7 } })
    })

    test('a namespace has one owner, the same while nothing changes', async () => {
      const on = await open()
      await on.put(subjectOf('alice', [freshKey('team')]))
      await on.put(subjectOf('bobby', [freshKey('team')]))
      const owner = await on.provider.ownerOf('team' as NamespaceName)
      assert.ok(owner !== undefined)
      for (let again = 0; again < 3; again++) {
        assert.deepEqual(await on.provider.ownerOf('team' as NamespaceName), owner)
      }
      assert.equal(await on.provider.ownerOf('nowhere' as NamespaceName), undefined)
    })

    test('credentials of another scheme are missing, whatever cannot be read is invalid, and nothing throws', async () => {
      const on = await open()
      for (const header of ['', 'Negotiate x', 'Digest username="a"', '\0', 'x'.repeat(10_000)]) {
        assert.equal(await on.provider.authenticate(header), 'missing', header.slice(0, 20))
      }
      for (const header of on.invalid)
        assert.equal(await on.provider.authenticate(header), 'invalid', header.slice(0, 40))
    })
  })
}
