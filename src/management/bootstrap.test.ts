/** The first subjects of a data directory, on loopback and elsewhere, and as it moves between the two. */

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { storesFixture } from '../../test/conformance/sqlite-stores.ts'
import { parseSubjectName } from '../model/subject-input.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { BootstrapOptions, SeededKey } from './bootstrap.ts'
import { bootstrapSubjects, WELL_KNOWN_KEYS } from './bootstrap.ts'
import { randomCredentials } from './credentials.ts'
import { createUserAdministration } from './user-administration.ts'

describe('first subjects', () => {
  const fixture = storesFixture()
  let store: ArtifactStore
  beforeEach(async () => {
    store = (await fixture.open({ openNow: ['artifacts'] })).artifacts
  })
  const start = (options: BootstrapOptions): Promise<readonly SeededKey[]> =>
    bootstrapSubjects({ store, credentials: randomCredentials(), changed: () => {} }, options)
  const admits = async (name: keyof typeof WELL_KNOWN_KEYS): Promise<boolean> => {
    const { uuid, key } = WELL_KNOWN_KEYS[name]
    return (await store.findIdentity(uuid, key)) !== undefined
  }
  const users = () => createUserAdministration({ store, credentials: randomCredentials(), changed: () => {} })

  test('runtimes 9: on loopback the keys are the ones that everybody knows', async () => {
    for (const _ of [1, 2]) {
      assert.deepEqual(await start({ loopback: true }), [])
      assert.deepEqual([await admits('guest'), await admits('whisk.system')], [true, true])
    }
  })

  test('elsewhere they are made up, and told once', async () => {
    const made = await start({ loopback: false })
    assert.deepEqual(
      made.map(({ subject }) => subject),
      ['guest', 'whisk.system'],
    )
    for (const { subject, uuid, key } of made) assert.equal((await store.findIdentity(uuid, key))?.subject, subject)
    assert.deepEqual([await admits('guest'), await admits('whisk.system')], [false, false])
    assert.deepEqual(await start({ loopback: false }), [])
  })

  test('a server that leaves loopback drops the well-known keys wherever they are', async () => {
    await start({ loopback: true })
    const { key } = WELL_KNOWN_KEYS.guest
    await users().setBlocked('whisk.system', true)
    const authorization = `00000000-0000-4000-8000-000000000000:${key}`
    await users().createUser({ subject: 'careless', authorization })
    const made = await start({ loopback: false })
    assert.deepEqual(made.map(({ subject }) => subject).toSorted(), ['careless', 'guest', 'whisk.system'])
    await users().setBlocked('whisk.system', false)
    assert.deepEqual([await admits('guest'), await admits('whisk.system')], [false, false])
    await assert.rejects(users().whoIs(authorization), { status: 404 })
  })

  test('back on loopback made-up keys stay, unless the known ones are asked for', async () => {
    const [guest] = await start({ loopback: false })
    assert.ok(guest !== undefined)
    assert.deepEqual(await start({ loopback: true }), [])
    assert.notEqual(await store.findIdentity(guest.uuid, guest.key), undefined)
    assert.equal(await admits('guest'), false)
    await start({ loopback: true, restoreWellKnown: true })
    assert.deepEqual([await admits('guest'), await admits('whisk.system')], [true, true])
    assert.equal(await store.findIdentity(guest.uuid, guest.key), undefined)
  })

  test('a guest that was deleted stays deleted, a key that was rotated stays rotated', async () => {
    await start({ loopback: true })
    await users().deleteUser('guest')
    const rotated = await users().rotateKey('whisk.system')
    for (const loopback of [true, false]) {
      assert.deepEqual(await start({ loopback }), [])
      assert.equal(await store.getSubject(parseSubjectName('guest')), undefined)
      assert.notEqual(await store.findIdentity(rotated.uuid, rotated.key), undefined)
    }
  })

  test('two processes that start at once agree', async () => {
    const made = await Promise.all([start({ loopback: false }), start({ loopback: false })])
    assert.equal(made.flat().length, 2)
    for (const { uuid, key } of made.flat()) assert.notEqual(await store.findIdentity(uuid, key), undefined)
  })
})
