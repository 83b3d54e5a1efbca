/** What is left of a rule when its change is cut off between two writes: a state that OpenWhisk has words for, and that the same request mends. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isJsonObject } from '../../src/model/json.ts'
import { StoreUnavailable } from '../../src/stores/artifact-store.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import type { Response } from './table.ts'
import { basic, exchange } from './table.ts'

type Send = (method: string, path: string, body?: unknown) => Promise<Response>

interface Change {
  readonly what: string
  /** Beside triggers t and u and actions a and b. */
  readonly given: readonly (readonly [method: string, path: string, body?: object])[]
  readonly request: readonly [method: string, path: string, body?: object]
  /** Of the rule after the request was made again; undefined: it is gone. */
  readonly afterwards: { readonly trigger: string; readonly action: string; readonly status: string } | undefined
}

const rule = ['PUT', 'rules/r?overwrite=true', { trigger: '/_/t', action: '/_/a' }] as const
const CHANGES: readonly Change[] = [
  // The status of a rule that exists stays: what a creation left is enabled as any inactive rule is.
  { what: 'create', given: [], request: rule, afterwards: { trigger: 't', action: 'a', status: 'inactive' } },
  {
    what: 'another action',
    given: [rule],
    request: ['PUT', 'rules/r?overwrite=true', { action: '/_/b' }],
    afterwards: { trigger: 't', action: 'b', status: 'active' },
  },
  {
    what: 'another trigger',
    given: [rule],
    request: ['PUT', 'rules/r?overwrite=true', { trigger: '/_/u' }],
    afterwards: { trigger: 'u', action: 'a', status: 'inactive' },
  },
  { what: 'delete', given: [rule], request: ['DELETE', 'rules/r'], afterwards: undefined },
  {
    what: 'enable',
    given: [rule, ['DELETE', 'triggers/t'], ['PUT', 'triggers/t', {}]],
    request: ['POST', 'rules/r', { status: 'active' }],
    afterwards: { trigger: 't', action: 'a', status: 'active' },
  },
]

describe('1.9, 7.6-7.8: a change of a rule that is cut off', () => {
  let server: ApiServer
  let users = 0
  before(async () => {
    server = await startApiServer()
  })
  after(() => server.close())

  async function namespace(): Promise<Send> {
    const key = await server.administration.createUser({ subject: `cut-off-${users++}` })
    const send: Send = (method, path, body) =>
      exchange(server.port, { method, path: `/api/v1/namespaces/_/${path}`, body }, basic(key))
    for (const name of ['t', 'u']) await send('PUT', `triggers/${name}`, {})
    for (const name of ['a', 'b']) await send('PUT', `actions/${name}`, { exec: { kind: 'nodejs:20', code: '' } })
    return send
  }

  /** Makes the request while the store takes `writes` more writes and then none, as if the process had ended. Resolves with how many it wanted. */
  async function cutOff(send: Send, change: Change, writes: number): Promise<number> {
    const { artifacts } = server.stores
    const { putEntity, deleteEntity } = artifacts
    let wanted = 0
    const counted = (): void => {
      if (++wanted > writes) throw new StoreUnavailable('cut off')
    }
    artifacts.putEntity = async (...args) => (counted(), putEntity.apply(artifacts, args))
    artifacts.deleteEntity = async (...args) => (counted(), deleteEntity.apply(artifacts, args))
    try {
      const [method, path, body] = change.request
      await send(method, path, body)
    } finally {
      artifacts.putEntity = putEntity
      artifacts.deleteEntity = deleteEntity
      server.faults.splice(0)
    }
    return wanted
  }

  /** Rules that the trigger names must say the same of themselves. */
  async function checkLinks(send: Send): Promise<void> {
    for (const trigger of ['t', 'u']) {
      const { json } = await send('GET', `triggers/${trigger}`)
      assert.ok(isJsonObject(json))
      for (const path of Object.keys(isJsonObject(json['rules']) ? json['rules'] : {})) {
        const found = await send('GET', `rules/${path.split('/')[1] ?? ''}`)
        assert.equal(found.status, 200, `${trigger} links ${path}, which is gone`)
        assert.partialDeepStrictEqual(found.json, { trigger: { name: trigger } })
      }
    }
  }

  for (const change of CHANGES) {
    test(change.what, async () => {
      for (let writes = 0; ; writes++) {
        const send = await namespace()
        for (const [method, path, body] of change.given) {
          assert.equal((await send(method, path, body)).status, 200)
        }
        const wanted = await cutOff(send, change, writes)
        if (wanted <= writes) {
          assert.ok(writes > 0)
          return
        }
        await checkLinks(send)
        const [method, path, body] = change.request
        const again = await send(method, path, body)
        const { status, json } = await send('GET', 'rules/r')
        await checkLinks(send)
        if (change.afterwards === undefined) {
          assert.equal(status, 404)
          continue
        }
        assert.equal(again.status, 200, again.text)
        const { trigger, action } = change.afterwards
        assert.partialDeepStrictEqual(json, { trigger: { name: trigger }, action: { name: action } })
        assert.ok(isJsonObject(json))
        // Before the first write nothing has happened: the status is that of an undisturbed request.
        if (writes > 0) assert.equal(json['status'], change.afterwards.status)
        assert.equal((await send('POST', 'rules/r', { status: 'active' })).status, 200)
        const { json: links } = await send('GET', `triggers/${trigger}`)
        assert.ok(isJsonObject(links) && isJsonObject(links['rules']))
        assert.partialDeepStrictEqual(Object.values(links['rules']), [{ action: { name: action }, status: 'active' }])
      }
    })
  }
})
