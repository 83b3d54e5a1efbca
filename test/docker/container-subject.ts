/** A container of an image for the tests of the HTTP contract, as locked up as the platform starts them. */

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeSubject, Streams } from '../conformance/runtime-subject.ts'
import { needEngine } from './engine-api.ts'

const PORT = 8080
const START_TIMEOUT_MS = 30_000
const POLL_MS = 10
/** Each frame of a log: one byte of stream, three of nothing, four of length. */
const FRAME_HEAD = 8

interface Inspected {
  readonly State: { readonly Running: boolean; readonly ExitCode: number }
  readonly NetworkSettings: { readonly IPAddress: string }
}

/** Starts a container of `image` with a read-only root, a tmpfs on /tmp, no capabilities and no new privileges; resolves when it accepts connections. */
export async function startContainer(
  dockerHost: string,
  image: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RuntimeSubject & { readonly id: string }> {
  const created = await needEngine(dockerHost, 'POST', '/containers/create', {
    Image: image,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,size=64m,mode=1777' },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: 256 * 1024 * 1024,
      MemorySwap: 256 * 1024 * 1024,
      PidsLimit: 64,
    },
  })
  const { Id: id } = created.json() as { Id: string }
  const remove = async (): Promise<void> => {
    await needEngine(dockerHost, 'DELETE', `/containers/${id}?force=1&v=1`)
  }
  const inspect = async (): Promise<Inspected> =>
    (await needEngine(dockerHost, 'GET', `/containers/${id}/json`)).json() as Inspected
  const logs = async (): Promise<Streams> =>
    splitLogs((await needEngine(dockerHost, 'GET', `/containers/${id}/logs?stdout=1&stderr=1`)).bytes)
  try {
    await needEngine(dockerHost, 'POST', `/containers/${id}/start`)
    const host = (await inspect()).NetworkSettings.IPAddress
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await accepts(host))) {
      const { State } = await inspect()
      if (!State.Running || Date.now() > deadline) {
        throw new Error(`${image} does not listen: ${JSON.stringify(State)} ${JSON.stringify(await logs())}`)
      }
      await sleep(POLL_MS)
    }
    return {
      id,
      address: { host, port: PORT },
      logs,
      async terminate() {
        await needEngine(dockerHost, 'POST', `/containers/${id}/stop?t=30`)
        return (await inspect()).State.ExitCode
      },
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

function accepts(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: PORT })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** The engine sends both streams in frames of one. */
function splitLogs(bytes: Buffer): Streams {
  const streams: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] }
  for (let at = 0; at + FRAME_HEAD <= bytes.length;) {
    const end = at + FRAME_HEAD + bytes.readUInt32BE(at + 4)
    streams[bytes[at] === 2 ? 'stderr' : 'stdout'].push(bytes.subarray(at + FRAME_HEAD, end))
    at = end
  }
  return {
    stdout: Buffer.concat(streams.stdout).toString('utf8'),
    stderr: Buffer.concat(streams.stderr).toString('utf8'),
  }
}
