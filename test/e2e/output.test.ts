/** What actions print: limits of logs, floods, the lines that the platform adds, and that nothing printed is lost or put to another's account. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { stopClean } from './leftovers.ts'
import type { TestServer } from './server.ts'
import { startServer } from './server.ts'

const LOGS_MAY_BE_MISSING = 'stderr: The action did not initialize or run as expected. Log data might be missing.'
const TRUNCATED = 'stderr: Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes.'
const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr): /

describe('8.7: what actions print', () => {
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => stopClean(server))

  /** Invokes; returns the status and the stored lines without their times. */
  async function printed(name: string, args: object = {}): Promise<{ status: string; lines: readonly string[] }> {
    const { body } = await server.invoke(name, args)
    const record = await server.activation(body.activationId)
    assert.ok(record.logs.every((line) => LINE.test(line)))
    const { body: logs } = await server.call('GET', `/activations/${body.activationId}/logs`)
    assert.deepEqual(logs, { logs: record.logs })
    return { status: record.response.status, lines: record.logs.map((line) => line.slice(31)) }
  }

  const kinds = [
    {
      kind: 'nodejs:default',
      lines: `function main() { console.log('one\\ntwo'); console.error('three'); process.stdout.write('no end'); return {} }`,
      unicode: `function main() { console.log('grüße 🎉 日本'); return {} }`,
      flood: `function main(a) { const piece = ('x'.repeat(99) + '\\n').repeat(10486); const fs = require('fs')
        for (let i = 0; i < a.megabytes; i++) for (let rest = Buffer.from(piece); rest.length > 0;) {
          try { rest = rest.subarray(fs.writeSync(1, rest)) } catch (e) { if (e.code !== 'EAGAIN') throw e } }
        return { done: true } }`,
      oneLine: `function main(a) { const piece = Buffer.alloc(1 << 20, 'x'); const fs = require('fs')
        for (let i = 0; i < a.megabytes; i++) for (let rest = piece; rest.length > 0;) {
          try { rest = rest.subarray(fs.writeSync(1, rest)) } catch (e) { if (e.code !== 'EAGAIN') throw e } }
        return { done: true } }`,
      dying: `function main() { process.stdout.write('last words'); process.exit(1) }`,
      dyingLoudly: `function main() { require('fs').writeSync(2, 'first\\nlast words'); process.kill(process.pid, 'SIGKILL'); for (;;); }`,
    },
    {
      kind: 'python:default',
      lines: `import sys\ndef main(args):\n    print('one\\ntwo')\n    print('three', file=sys.stderr)\n    sys.stdout.write('no end')\n    return {}\n`,
      unicode: `def main(args):\n    print('grüße 🎉 日本')\n    return {}\n`,
      flood: `def main(a):\n    piece = ('x' * 99 + '\\n') * 10486\n    for _ in range(a['megabytes']):\n        print(piece, end='')\n    return {'done': True}\n`,
      oneLine: `def main(a):\n    piece = 'x' * (1 << 20)\n    for _ in range(a['megabytes']):\n        print(piece, end='')\n    return {'done': True}\n`,
      dying: `import os, sys\ndef main(args):\n    sys.stdout.write('last words')\n    sys.stdout.flush()\n    os._exit(1)\n`,
      dyingLoudly: `import os\ndef main(args):\n    os.write(2, b'first\\nlast words')\n    os.kill(os.getpid(), 9)\n`,
    },
  ]
  for (const { kind, lines, unicode, flood, oneLine, dying, dyingLoudly } of kinds) {
    const family = kind.split(':')[0] ?? kind
    const put = async (name: string, code: string, limits: object = {}): Promise<void> => {
      assert.equal((await server.put(name, code, { exec: { kind, code }, limits })).status, 200)
    }

    test(`${family}: lines of both streams, the last one without an end`, async () => {
      await put(`${family}Lines`, lines)
      for (let call = 0; call < 3; call++) {
        const { lines } = await printed(`${family}Lines`)
        assert.deepEqual(
          lines.filter((line) => line.startsWith('stdout')),
          ['stdout: one', 'stdout: two', 'stdout: no end'],
        )
        assert.deepEqual(
          lines.filter((line) => line.startsWith('stderr')),
          ['stderr: three'],
        )
      }
    })

    test(`${family}: text of any script survives`, async () => {
      await put(`${family}Unicode`, unicode)
      assert.deepEqual((await printed(`${family}Unicode`)).lines, ['stdout: grüße 🎉 日本'])
    })

    test(`${family}: limit 0 keeps nothing, not even the line about errors`, async () => {
      await put(`${family}Quiet`, lines, { logs: 0 })
      assert.deepEqual((await printed(`${family}Quiet`)).lines, [])
      await put(`${family}QuietDeath`, dying, { logs: 0 })
      assert.deepEqual(await printed(`${family}QuietDeath`), { status: 'action developer error', lines: [] })
    })

    test(`${family}: a log over its limit is cut with a line that says so`, async () => {
      await put(`${family}Long`, flood, { logs: 1 })
      const { status, lines } = await printed(`${family}Long`, { megabytes: 2 })
      assert.equal(status, 'success')
      assert.equal(lines.at(-1), TRUNCATED)
      assert.ok(lines.length > 10_400 && lines.length < 10_600, `${lines.length} lines`)
      // The next run has its whole limit again.
      assert.equal((await printed(`${family}Long`, { megabytes: 0 })).lines.length, 0)
    })

    test(`${family}: hundreds of megabytes of output hurt nobody`, async () => {
      const before = server.memoryMb()
      await put(`${family}Flood`, flood, { logs: 1 })
      await put(`${family}OneLine`, oneLine, { logs: 1 })
      await put(`${family}Bystander`, lines)
      const floods = Promise.all([
        printed(`${family}Flood`, { megabytes: 200 }),
        printed(`${family}OneLine`, { megabytes: 200 }),
      ])
      let worstMs = 0
      let ended = false
      void floods.finally(() => {
        ended = true
      })
      while (!ended) {
        const from = performance.now()
        assert.equal((await server.invoke(`${family}Bystander`)).status, 200)
        worstMs = Math.max(worstMs, performance.now() - from)
      }
      for (const { status, lines } of await floods) {
        assert.equal(status, 'success')
        assert.equal(lines.at(-1), TRUNCATED)
      }
      assert.ok(worstMs < 3000, `a bystander waited ${worstMs} ms`)
      assert.ok(server.memoryMb() < before + 150, `${before} MB before, ${server.memoryMb()} MB after`)
    })

    test(`${family}: what an action says before it dies is kept`, async () => {
      await put(`${family}Dying`, dying)
      assert.deepEqual((await printed(`${family}Dying`)).lines, ['stdout: last words', LOGS_MAY_BE_MISSING])
      await put(`${family}DyingLoudly`, dyingLoudly)
      assert.deepEqual((await printed(`${family}DyingLoudly`)).lines, [
        'stderr: first',
        'stderr: last words',
        LOGS_MAY_BE_MISSING,
      ])
    })
  }

  test('1.7: overlapping runs in one container keep their own lines', async () => {
    const code = `async function main(a) {
      for (let i = 0; i < 5; i++) { console.log(a.who, i); await new Promise((r) => setTimeout(r, Math.random() * 10)) }
      return { who: a.who, pid: process.pid } }`
    await server.put('together', code, { limits: { concurrency: 20, instances: 1 } })
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, who) => server.invoke('together', { who: `w${who}` })),
    )
    const pids = new Set<unknown>()
    let overlapped = 0
    const spans: (readonly [number, number])[] = []
    for (const { status, body } of answers) {
      assert.equal(status, 200)
      const { who, pid } = body.response.result
      pids.add(pid)
      const { logs, start, end } = await server.activation(body.activationId)
      assert.deepEqual(
        logs.map((line) => line.slice(31)),
        [0, 1, 2, 3, 4].map((i) => `stdout: ${String(who)} ${i}`),
      )
      const span = [Number(start), Number(end)] as const
      if (spans.some(([from, to]) => from < span[1] && span[0] < to)) overlapped++
      spans.push(span)
    }
    assert.equal((await server.containersOf('together')).length, 1)
    assert.equal(pids.size, 1)
    assert.ok(overlapped > 30, `${overlapped} runs overlapped`)
  })
})
