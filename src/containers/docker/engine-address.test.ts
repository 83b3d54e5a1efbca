import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeAddress, parseEngineAddress } from './engine-address.ts'

test('the forms of DOCKER_HOST', () => {
  assert.deepEqual(parseEngineAddress('unix:///var/run/docker.sock', '', false), {
    type: 'socket',
    path: '/var/run/docker.sock',
  })
  const rows = [
    ['tcp://10.0.0.1', 'http://10.0.0.1:2375'],
    ['tcp://engine:2222', 'http://engine:2222'],
    ['http://engine', 'http://engine:2375'],
    ['https://engine', 'https://engine:2376'],
    ['tcp://[::1]:2375', 'http://[::1]:2375'],
  ] as const
  for (const [text, origin] of rows) assert.equal(describeAddress(parseEngineAddress(text, '', false)), origin)
})

test('with certificates, or when asked to verify, TCP is spoken with TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'stave-certs-'))
  try {
    for (const name of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(directory, name), name)
    const address = parseEngineAddress('tcp://engine', directory, true)
    assert.deepEqual(address, {
      type: 'tcp',
      origin: 'https://engine:2376',
      host: 'engine',
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem', verify: true },
    })
    const bare = parseEngineAddress('tcp://engine', '', true)
    assert.deepEqual(bare.type === 'tcp' && bare.tls, { ca: undefined, cert: undefined, key: undefined, verify: true })
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('anything else is refused with what would be right', () => {
  for (const text of ['', 'unix://relative', 'ssh://engine', 'npipe:////./pipe/docker', '/var/run/docker.sock']) {
    assert.throws(() => parseEngineAddress(text, '', false), /docker\.host/)
  }
})
