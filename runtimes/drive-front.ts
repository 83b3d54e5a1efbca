/** Test support: starts an HTTP front as the image does, on a unix socket of a fresh directory instead of port 8080. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeSubject } from '../test/conformance/runtime-subject.ts'

const START_TIMEOUT_MS = 30_000
const POLL_MS = 5

/** Starts `command` and resolves when it accepts connections. Rejects, with what it printed, when it ends before that or takes over 30 s. */
export async function driveFront(
  [command = '', ...parameters]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<RuntimeSubject> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-front-'))
  const socketPath = join(directory, 'http.sock')
  const child = spawn(command, parameters, {
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', RUNTIME_LISTEN: socketPath, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(-1)).once('close', (code) => resolve(code ?? -1))
  })
  let ended = false
  void exited.then(() => {
    ended = true
  })
  const subject: RuntimeSubject = {
    address: { socketPath },
    logs: () => Promise.resolve({ stdout: stdout(), stderr: stderr() }),
    terminate() {
      child.kill('SIGTERM')
      return exited
    },
    async remove() {
      child.kill('SIGKILL')
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(socketPath))) {
    if (ended || Date.now() > deadline) {
      await subject.remove()
      throw new Error(`the front does not listen: ${stdout()}${stderr()}`)
    }
    await sleep(POLL_MS)
  }
  return subject
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
