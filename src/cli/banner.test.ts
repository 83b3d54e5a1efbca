import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BannerFacts } from './banner.ts'
import { bannerText } from './banner.ts'
import { GUEST_KEY } from './connection.ts'
import { watchSignals } from './signals.ts'

const FACTS: BannerFacts = {
  version: '1.2.3',
  url: 'http://127.0.0.1:3233',
  dataDir: '/data',
  adminSocket: '/data/run/admin.sock',
  loopback: true,
  protections: {
    level: 'unshare',
    root: true,
    network: 'host',
    protections: [
      { name: 'namespaces', on: true, detail: 'pid, mount' },
      { name: 'seccomp', on: false, detail: 'no loader', remedy: 'install perl-base' },
    ],
    rejected: [{ level: 'bubblewrap', reason: 'bwrap is not installed', remedy: 'apt install bubblewrap' }],
  },
  kinds: ['nodejs:24', 'python:3.12'],
  absent: [{ kind: 'nodejs:20', reason: 'no such Node.js', remedy: 'install it' }],
  newKeys: [],
  guestKey: GUEST_KEY,
}

describe('banner', () => {
  test('says where, how protected, which kinds and how to use it', () => {
    assert.deepEqual(bannerText(FACTS).split('\n'), [
      'Stave 1.2.3 listens on http://127.0.0.1:3233 (this host only)',
      '  data     /data',
      '  sandbox  unshare as root, network host',
      '  on       namespaces',
      '  off      seccomp: no loader (install perl-base)',
      '  better   bubblewrap: bwrap is not installed (apt install bubblewrap)',
      '  kinds    nodejs:24, python:3.12',
      '  missing  nodejs:20: no such Node.js (install it)',
      `Set up wsk with:  wsk property set --apihost http://127.0.0.1:3233 --auth ${GUEST_KEY}`,
      'Try it with:      npx stave action create hello hello.js  and  npx stave action invoke hello -r -p name World',
      '',
    ])
  })

  test('a key that somebody made is not shown; one made just now is, once', () => {
    const [uuid, key] = ['11111111-2222-3333-4444-555555555555', 's'.repeat(64)]
    const quiet = bannerText({ ...FACTS, guestKey: `${uuid}:${key}` })
    assert.ok(!quiet.includes(key))
    assert.match(quiet, /--auth "\$\(npx stave user get guest --data-dir \/data\)"\n/)
    const made = bannerText({ ...FACTS, newKeys: [{ subject: 'guest', uuid, key }], guestKey: `${uuid}:${key}` })
    assert.match(made, new RegExp(`--auth ${uuid}:${key}\n`))
    assert.match(bannerText({ ...FACTS, guestKey: undefined }), /stave user create YOUR-NAME/)
  })

  test('no sandbox is a loud warning, and an address for all is shown as one to connect to', () => {
    const protections = { ...FACTS.protections, level: 'none' } as const
    const text = bannerText({ ...FACTS, protections, url: 'http://0.0.0.0:80', loopback: false })
    assert.match(text, /\nWARNING: actions run as plain processes/)
    assert.match(text, /--apihost http:\/\/127\.0\.0\.1:80 /)
  })
})

test('the first signal asks to stop, the second ends the process at once', async () => {
  const listeners = new Map<string, () => void>()
  const exits: number[] = []
  const interruption = watchSignals({
    onSignal: (signal, listener) => {
      listeners.set(signal, listener)
      return () => void listeners.delete(signal)
    },
    exitNow: (code) => void exits.push(code),
  })
  assert.equal(interruption.came, false)
  listeners.get('SIGTERM')?.()
  assert.equal(await interruption.first, 'SIGTERM')
  assert.deepEqual([interruption.came, exits], [true, []])
  listeners.get('SIGINT')?.()
  assert.deepEqual(exits, [130])
  interruption.dispose()
  assert.equal(listeners.size, 0)
})
