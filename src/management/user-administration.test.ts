/** What operators do with users, on the real store: wskadmin's behaviour and words, and who is told of it. */

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { Subject } from '../model/identity.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import { storesFixture } from '../../test/conformance/sqlite-stores.ts'
import { randomCredentials } from './credentials.ts'
import type { StoreChange } from './store-change.ts'
import type { UserAdministration } from './user-administration.ts'
import { createUserAdministration } from './user-administration.ts'

const UUID = '23bc46b1-71f6-4ed5-8c54-816aa4f8c502'
const KEY = 'k'.repeat(64)

describe('user administration', () => {
  const fixture = storesFixture()
  let store: ArtifactStore
  let changes: StoreChange[]
  let users: UserAdministration

  beforeEach(async () => {
    store = (await fixture.open({ openNow: ['artifacts'] })).artifacts
    changes = []
    const changed = (change: StoreChange): void => void changes.push(change)
    users = createUserAdministration({ store, credentials: randomCredentials(), changed })
  })
  const refuses = (work: Promise<unknown>, message: string, status: number): Promise<void> =>
    assert.rejects(work, { name: 'Refusal', message, status })

  test('11.2: create makes a namespace of the subject’s name and a key that authenticates', async () => {
    const key = await users.createUser({ subject: 'alice' })
    assert.equal(key.name, 'alice')
    assert.match(key.key, /^[A-Za-z0-9]{64}$/)
    const found = await store.findIdentity(key.uuid, key.key)
    assert.deepEqual([found?.subject, found?.namespace.name], ['alice', 'alice'])
    assert.deepEqual(changes, [{ type: 'subject', subject: 'alice', namespaces: ['alice'] }])
  })

  test('11.2: create refuses', async () => {
    await users.createUser({ subject: 'alice' })
    await refuses(users.createUser({ subject: 'alic' }), 'Subject name must be at least 5 characters', 400)
    await refuses(users.createUser({ subject: 'a/lice' }), 'Subject name contains illegal characters', 400)
    await refuses(users.createUser({ subject: 'alice' }), 'Namespace already exists', 409)
    const bad = (authorization: string) => users.createUser({ subject: 'bobby', authorization })
    await refuses(bad(`x:${KEY}`), 'authorization id is not a valid UUID', 400)
    await refuses(bad(UUID), 'authorization key must be at least 64 characters long', 400)
    await refuses(bad(`${UUID}:short`), 'authorization key must be at least 64 characters long', 400)
    await users.setBlocked('alice', true)
    await refuses(
      users.createUser({ subject: 'alice', namespace: 'b' }),
      'The subject you want to edit is blocked',
      409,
    )
  })

  test('11.2: a second namespace, a given key, regeneration', async () => {
    const first = await users.createUser({ subject: 'alice' })
    const given = await users.createUser({ subject: 'alice', namespace: 'team', authorization: `${UUID}:${KEY}` })
    assert.deepEqual(given, { name: 'team', uuid: UUID, key: KEY })
    const second = await users.createUser({ subject: 'alice', regenerate: true })
    assert.notEqual(second.uuid, first.uuid)
    assert.notEqual(second.key, first.key)
    assert.deepEqual((await users.getUser('alice')).namespaces, [second, given])
    assert.equal(await store.findIdentity(first.uuid, first.key), undefined)
  })

  test('a uuid belongs to one subject', async () => {
    await users.createUser({ subject: 'alice', authorization: `${UUID}:${KEY}` })
    const again = users.createUser({ subject: 'bobby', authorization: `${UUID}:${KEY}` })
    await refuses(again, 'The authorization id belongs to another subject', 409)
  })

  test('11.2: get, list, whois', async () => {
    const alice = await users.createUser({ subject: 'alice', namespace: 'team' })
    const bobby = await users.createUser({ subject: 'bobby', namespace: 'team' })
    await users.setBlocked('bobby', true)
    assert.deepEqual(await users.getKey('alice', 'team'), alice)
    await refuses(users.getKey('alice'), 'namespace "alice" not found for "alice"', 404)
    await refuses(users.getUser('nobody'), 'Failed to get subject (not found)', 404)
    assert.deepEqual(await users.listKeys('team'), [
      { subject: 'alice', blocked: false, ...alice },
      { subject: 'bobby', blocked: true, ...bobby },
    ])
    assert.deepEqual(await users.listKeys('nothing'), [])
    assert.deepEqual(await users.whoIs(`${alice.uuid}:${alice.key}`), { subject: 'alice', namespace: 'team' })
    for (const unknown of [`${bobby.uuid}:${bobby.key}`, `${alice.uuid}:x`, 'x', '']) {
      await refuses(users.whoIs(unknown), 'Subject id is not recognized', 404)
    }
  })

  test('11.2: delete a namespace, then the subject', async () => {
    const own = await users.createUser({ subject: 'alice' })
    await users.createUser({ subject: 'alice', namespace: 'team' })
    await users.deleteUser('alice', 'team')
    assert.deepEqual((await users.getUser('alice')).namespaces, [own])
    assert.deepEqual(changes.at(-1), { type: 'subject', subject: 'alice', namespaces: ['alice', 'team'] })
    await refuses(users.deleteUser('alice', 'team'), 'Namespace "team" does not exist for "alice"', 404)
    await users.deleteUser('alice')
    assert.deepEqual(changes.at(-1), { type: 'subject', subject: 'alice', namespaces: ['alice'] })
    await refuses(users.deleteUser('alice'), 'Subject to delete not found', 404)
  })

  test('S4-16: block, unblock and rotation tell whose keys changed', async () => {
    const key = await users.createUser({ subject: 'alice' })
    await users.setBlocked('alice', true)
    assert.equal(await store.findIdentity(key.uuid, key.key), undefined)
    await users.setBlocked('alice', false)
    assert.notEqual(await store.findIdentity(key.uuid, key.key), undefined)
    await users.rotateKey('alice')
    assert.deepEqual(changes.at(-1), { type: 'subject', subject: 'alice', namespaces: ['alice'] })
    await refuses(users.setBlocked('nobody', true), 'Failed to get subject (not found)', 404)
    await refuses(users.rotateKey('alice', 'team'), 'namespace "team" not found for "alice"', 404)
  })

  test('11.2: limits', async () => {
    assert.deepEqual(await users.getLimits('team'), {})
    await users.setLimits('team', { invocationsPerMinute: 5, firesPerMinute: 6 })
    assert.deepEqual(await users.setLimits('team', { firesPerMinute: null }), { invocationsPerMinute: 5 })
    assert.deepEqual(await users.getLimits('team'), { invocationsPerMinute: 5 })
    assert.deepEqual(changes.at(-1), { type: 'limits', namespace: 'team' })
    await users.deleteLimits('team')
    assert.deepEqual(await users.getLimits('team'), {})
  })

  test('an edit is repeated on what somebody else wrote meanwhile', async () => {
    await users.createUser({ subject: 'alice' })
    let interfered = false
    const contended = {
      ...bound(store),
      async putSubject(subject: Subject, expected: Parameters<ArtifactStore['putSubject']>[1]) {
        if (!interfered) {
          interfered = true
          await users.createUser({ subject: 'alice', namespace: 'first' })
        }
        return store.putSubject(subject, expected)
      },
    }
    const other = createUserAdministration({ store: contended, credentials: randomCredentials(), changed: () => {} })
    await other.createUser({ subject: 'alice', namespace: 'second' })
    const names = (await users.getUser('alice')).namespaces.map(({ name }) => name)
    assert.deepEqual(names.toSorted(), ['alice', 'first', 'second'])
  })

  test('a subject that changes all the time is given up as a conflict', async () => {
    let revision = 0
    const restless = {
      ...bound(store),
      getSubject: async (subject: Subject['subject']) => ({
        revision: `${revision++}` as never,
        document: { subject, namespaces: [], blocked: false },
      }),
      putSubject: () => Promise.reject(new RevisionConflict()),
    }
    const other = createUserAdministration({ store: restless, credentials: randomCredentials(), changed: () => {} })
    await refuses(other.setBlocked('alice', true), 'Concurrent modification to resource detected.', 409)
  })
})

/** The store's methods of subjects, to be partly replaced. */
function bound(
  store: ArtifactStore,
): Pick<
  ArtifactStore,
  'getSubject' | 'deleteSubject' | 'listSubjects' | 'findIdentity' | 'getLimits' | 'listLimits' | 'putLimits'
> {
  return {
    listLimits: () => store.listLimits(),
    getSubject: (subject) => store.getSubject(subject),
    deleteSubject: (subject, expected) => store.deleteSubject(subject, expected),
    listSubjects: (namespace) => store.listSubjects(namespace),
    findIdentity: (uuid, key) => store.findIdentity(uuid, key),
    getLimits: (namespace) => store.getLimits(namespace),
    putLimits: (namespace, limits) => store.putLimits(namespace, limits),
  }
}
