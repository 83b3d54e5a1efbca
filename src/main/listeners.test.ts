import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createHttpServer } from '../api/http-server.ts'
import { isJsonObject } from '../model/json.ts'
import { randomIds } from '../model/ids.ts'
import { behindToken, isLoopback, isWildcard } from './listeners.ts'

async function answerTo(token: string, authorization: string | undefined): Promise<readonly [number, unknown]> {
  const server = createHttpServer(
    behindToken(token, randomIds(), (_, res) => {
      res.end('{}')
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const headers = authorization === undefined ? {} : { authorization }
    const outgoing = request({ port, host: '127.0.0.1', method: 'DELETE', path: '/admin/users/alice', headers }).end()
    const [response] = await once(outgoing, 'response')
    let text = ''
    for await (const chunk of response) text += String(chunk)
    const body: unknown = JSON.parse(text)
    if (isJsonObject(body) && body['code'] !== undefined) assert.equal(body['code'], response.headers['x-request-id'])
    return [response.statusCode, isJsonObject(body) ? body['error'] : undefined]
  } finally {
    server.close().closeAllConnections()
  }
}

test('S4-16: without the token nothing of the admin API is served on TCP', async () => {
  const token = 'a token of the operators'
  const [missing, invalid] = [
    'The resource requires authentication, which was not supplied with the request',
    'The supplied authentication is invalid',
  ]
  assert.deepEqual(await answerTo(token, `Bearer ${token}`), [200, undefined])
  assert.deepEqual(await answerTo(token, undefined), [401, missing])
  for (const wrong of ['', token, `Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, 'Bearer ', `Basic ${token}`]) {
    assert.deepEqual(await answerTo(token, wrong), [401, invalid], wrong)
  }
  assert.deepEqual(await answerTo('', 'Bearer '), [401, invalid])
})

test('a wildcard is every address of the host, its loopback and its bridges included, and no loopback itself', () => {
  for (const host of ['0.0.0.0', '::']) assert.deepEqual([isWildcard(host), isLoopback(host)], [true, false])
  for (const host of ['127.0.0.1', '::1', 'localhost', '10.0.0.1', 'stave.example.org']) assert.ok(!isWildcard(host))
})
