/** What containers reach in each network mode. The isolated mode is tried on a host of its own (fake-host.sh), so that this one's network is left alone. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { findHostTools } from '../../src/containers/process/host-tools.ts'
import type { NetworkMode } from '../../src/containers/process/sandbox-plan.ts'
import { availableLevels, inside, isRoot, openTestHost } from './sandbox-kit.ts'

const NOBODY = '65534'
const tools = findHostTools()

describe('networks of containers', () => {
  for (const { level, missing } of availableLevels()) {
    if (level === 'none') continue
    const seenWith = async (network: NetworkMode): Promise<Record<string, unknown>> => {
      const server = createServer((connection) => connection.end()).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      const host = await openTestHost({ sandbox: level, network })
      try {
        return await inside(
          host.factory,
          `const connect = (port) => new Promise((resolve) => require('net').connect(port, '127.0.0.1').on('connect', () => resolve('connected')).on('error', (error) => resolve(error.code)));
           const own = require('net').createServer((c) => c.end()).listen(0, '127.0.0.1'); await new Promise((resolve) => own.on('listening', resolve));
           return { host: await connect(${port}), own: await connect(own.address().port), interfaces: Object.keys(require('os').networkInterfaces()) }`,
        )
      } finally {
        server.close()
        await host.close()
      }
    }

    test(`${level}: none has loopback only, and that is the container’s own`, { skip: missing ?? false }, async () => {
      assert.deepEqual(await seenWith('none'), { host: 'ECONNREFUSED', own: 'connected', interfaces: ['lo'] })
    })

    test(`${level}: host is the network of the host`, { skip: missing ?? false }, async () => {
      const seen = await seenWith('host')
      assert.deepEqual([seen['host'], seen['own']], ['connected', 'connected'])
    })

    for (const user of ['root', 'an ordinary user']) {
      const wanted = user === 'root' ? (tools.iptables ?? tools.nft) : tools.pasta
      const skip =
        missing ??
        (isRoot ? undefined : 'needs root to make a host of its own') ??
        (user !== 'root' && !readableByOthers() ? 'this directory may not be read by other users' : undefined) ??
        (wanted === undefined ? `${user === 'root' ? 'nftables' : 'pasta'} is not installed` : undefined)
      test(
        `${level}: isolated as ${user} reaches the Internet and the API, nothing private`,
        { skip: skip ?? false },
        async () => {
          await onFakeHost(level, user !== 'root')
        },
      )
    }
  }

  const skipNft = isRoot && tools.nft !== undefined ? false : 'needs root and nftables'
  test('isolated by nftables where there is no iptables', { skip: skipNft }, async () => {
    await onFakeHost('unshare', false, tools.iptables)
  })

  test('isolated says what to install where it cannot be had', { skip: isRoot ? false : 'needs root' }, async () => {
    await assert.rejects(onFakeHost('unshare', false, tools.nsenter), /nsenter is missing.*Install iproute2/)
  })

  test('plain processes have no network of their own', async () => {
    await assert.rejects(
      openTestHost({ sandbox: 'none', network: 'none' }),
      /plain processes cannot have the network none/,
    )
  })

  test('plain processes where others can connect need --trusted', async () => {
    await assert.rejects(openTestHost({ sandbox: 'none', loopback: false }), /--trusted/)
    await (await openTestHost({ sandbox: 'none', loopback: false, trusted: true })).close()
  })
})

function readableByOthers(): boolean {
  const command = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', 'test', '-r', import.meta.filename]
  return spawnSync(tools.setpriv ?? '', command).status === 0
}

/** Runs isolated-network.ts there; rejects with what it printed when it fails. */
async function onFakeHost(level: string, ordinary: boolean, hidden = ''): Promise<void> {
  const node = process.execPath
  const asUser = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--inh-caps=-all']
  const command = [node, `${import.meta.dirname}/isolated-network.ts`, level]
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--propagation', 'private', 'sh', `${import.meta.dirname}/fake-host.sh`, node],
      ...(ordinary ? asUser : []),
      ...command,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HIDDEN: hidden },
      timeout: 60_000,
      killSignal: 'SIGKILL',
    },
  )
  const exited = once(child, 'exit')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  if (code !== 0) throw new Error(`status ${String(code)}: ${stdout}${stderr}`)
}
