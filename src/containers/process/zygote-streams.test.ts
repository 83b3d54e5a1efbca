/** The socket that containers fetch their streams from: only the announced, with their token, once each. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { openStreamServer, STREAM_NAMES } from './zygote-streams.ts'

const directory = mkdtempSync(join(tmpdir(), 'stave-streams-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function announce(path: string, line: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true }, () => {
      socket.write(line)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })

test('four announced streams make a container; what follows the first line is not lost', async () => {
  const server = await openStreamServer(join(directory, 'one'))
  const { streams } = server.expect('c1', 'secret')
  const sockets = await Promise.all(
    STREAM_NAMES.map((name) =>
      announce(server.path, `c1 ${name} secret\n${name === 'answers' ? '{"ok":true}\n' : ''}`),
    ),
  )
  const found = await streams
  sockets[3]?.end()
  assert.equal(await text(found.answers), '{"ok":true}\n')
  found.stdin.end('hello')
  assert.equal(await text(sockets[0] ?? assert.fail()), 'hello')
  // The stream closes when the container closes its end.
  const gone = new Promise((resolve) => found.stdout.once('close', resolve))
  found.stdout.resume()
  sockets[1]?.end()
  await gone
  for (const socket of sockets) socket.destroy()
  server.close()
})

test('a first line in pieces is put together; one without an end, of a stranger or with a wrong token is turned away', async () => {
  const server = await openStreamServer(join(directory, 'two'))
  const { streams, cancel } = server.expect('c1', 'secret')
  for (const line of ['c1 stdin wrong\n', 'c2 stdin secret\n', 'c1 stdlog secret\n', '\n', 'x'.repeat(2000)]) {
    await closed(await announce(server.path, line))
  }
  const slow = await announce(server.path, 'c1 std')
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(server.unannounced, 1)
  slow.write('in secret\n')
  const again = await announce(server.path, 'c1 stdin secret\n')
  // Of two for the same stream the later one goes.
  await closed(again)
  const ending = closed(slow)
  cancel(new Error('too late'))
  await assert.rejects(streams, /too late/)
  await ending
  assert.equal(server.unannounced, 0)
  server.close()
})

test('the directory is private, replaces what was there, and goes', async () => {
  const path = join(directory, 'three')
  mkdirSync(path, { mode: 0o755 })
  writeFileSync(join(path, 'streams'), 'left over')
  const server = await openStreamServer(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  server.close()
  assert.ok(!existsSync(path))
})
