/** An engine that is reached over TCP with TLS: by whom it knows, where it is who it says it is. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Server } from 'node:tls'
import { createServer } from 'node:tls'
import { parseEngineAddress } from '../../src/containers/docker/engine-address.ts'
import { createEngineClient } from '../../src/containers/docker/engine-client.ts'
import { EngineUnreachable, createEngineTransport } from '../../src/containers/docker/engine-transport.ts'
import { dockerHost, skipWithoutEngine } from './engine.ts'

const socketPath = /^unix:\/\/(\/.*)$/.exec(dockerHost)?.[1]
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const skip =
  skipWithoutEngine !== false
    ? skipWithoutEngine
    : socketPath === undefined
      ? 'the engine has no unix socket to put TLS in front of'
      : !hasOpenssl && 'openssl is missing'

function openssl(directory: string, ...parameters: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', parameters, { cwd: directory, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

/** An authority, and certificates of a server on 127.0.0.1 and of a client that it has signed. */
function makeAuthority(directory: string): void {
  mkdirSync(directory)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(directory, 'req', '-x509', ...key, '-days', '2', '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.pem')
  writeFileSync(join(directory, 'server.ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  writeFileSync(join(directory, 'client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const name of ['server', 'client']) {
    openssl(directory, 'req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
    openssl(directory, 'x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`)
  }
}

describe('engine over TLS', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'stave-tls-'))
  let server: Server
  let host = ''

  before(async () => {
    makeAuthority(join(directory, 'own'))
    makeAuthority(join(directory, 'other'))
    const of = (name: string): Buffer => readFileSync(join(directory, 'own', name))
    server = createServer(
      { ca: of('ca.pem'), cert: of('server.pem'), key: of('server.key'), requestCert: true, rejectUnauthorized: true },
      (client) => {
        const engine = connect(socketPath ?? '')
        client.on('error', () => engine.destroy())
        engine.on('error', () => client.destroy())
        client.pipe(engine).pipe(client)
      },
    )
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  after(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })

  /** A directory as `docker.certPath` names it: this authority, and that one's client. */
  function certificates(authority: string, client: string): string {
    const path = mkdtempSync(join(directory, 'certs-'))
    copyFileSync(join(directory, authority, 'ca.pem'), join(path, 'ca.pem'))
    copyFileSync(join(directory, client, 'client.pem'), join(path, 'cert.pem'))
    copyFileSync(join(directory, client, 'client.key'), join(path, 'key.pem'))
    return path
  }

  async function engineVersion(certPath: string, verify = true): Promise<string> {
    const transport = createEngineTransport(parseEngineAddress(host, certPath, verify), 2)
    const client = createEngineClient(transport, { requestMs: 5000, quickMs: 5000, pullMs: 5000 })
    try {
      return (await client.connect()).apiVersion
    } finally {
      await client.close()
    }
  }

  test('whom both sides know is let in', async () => {
    assert.match(await engineVersion(certificates('own', 'own')), /^1\.\d+$/)
  })

  test('an engine of another authority is not spoken to, unless it is not to be checked', async () => {
    const certPath = certificates('other', 'own')
    await assert.rejects(engineVersion(certPath), (error) => {
      assert.ok(error instanceof EngineUnreachable)
      assert.match(error.message, /does not answer GET \/version: .*certificate/)
      return true
    })
    assert.match(await engineVersion(certPath, false), /^1\.\d+$/)
  })

  test('an engine that does not know the platform says so', async () => {
    for (const certPath of [certificates('own', 'other'), ''])
      await assert.rejects(engineVersion(certPath), EngineUnreachable)
  })
})
