/** Entities whose stored document is damaged: callers are told so, operators which one it is. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { startApiServer } from './api-server.ts'
import type { ApiServer } from './api-server.ts'
import { basic, exchange } from './table.ts'
import type { Response } from './table.ts'

const EXEC = { kind: 'nodejs:20', code: 'function main() {}' }

describe('1.9: what is stored is damaged', () => {
  let server: ApiServer
  let authorization: string
  const send = (method: string, path: string, body?: unknown): Promise<Response> =>
    exchange(server.port, { method, path: `/api/v1/namespaces/_/${path}`, body }, authorization)

  before(async () => {
    server = await startApiServer()
    authorization = basic(await server.administration.createUser({ subject: 'guest' }))
    await send('PUT', 'packages/p', {})
    await send('PUT', 'actions/p/inner', { exec: EXEC })
    await send('PUT', 'triggers/t', {})
    await send('PUT', 'actions/a', { exec: EXEC })
    await send('PUT', 'rules/r', { trigger: '/_/t', action: '/_/a' })
    await send('PUT', 'actions/well', { exec: EXEC })
  })
  after(() => server.close())

  for (const damage of ['{"entityType":"act', '{}', '[]', 'null', '{"entityType":"virus","annotations":[]}']) {
    test(`by ${damage}`, async () => {
      const database = new DatabaseSync(join(server.dataDir, 'artifacts.db'))
      try {
        database.prepare("UPDATE entities SET document = ? WHERE name <> 'well'").run(damage)
      } finally {
        database.close()
      }
      for (const [method, path, body] of [
        ['GET', 'actions/a'],
        ['DELETE', 'actions/a'],
        ['PUT', 'actions/a?overwrite=true', { exec: EXEC }],
        ['GET', 'packages/p'],
        ['GET', 'actions/p/inner'],
        ['GET', 'triggers/t'],
        ['GET', 'rules/r'],
        ['POST', 'rules/r', { status: 'active' }],
        ['GET', 'actions'],
      ] as const) {
        const response = await send(method, path, body)
        assert.equal(response.status, 500, `${method} ${path}: ${response.text}`)
        assert.deepEqual(response.json, {
          error: 'Resource is corrupted and cannot be read.',
          code: response.headers['x-request-id'],
        })
      }
      assert.equal((await send('GET', 'actions/well')).status, 200)
      // The operator is told of each, by its name.
      assert.ok(
        server.faults.every(
          (fault) => fault instanceof Error && /^the document of .*guest.* is no entity$/.test(fault.message),
        ),
      )
      assert.equal(server.faults.splice(0).length, 9)
    })
  }
})
