/** Waits until a runtime listens: tries again as soon as that can have changed, with pauses that begin at a millisecond, until the container ends. */

import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const FIRST_PAUSE_MS = 1
/** A runtime that takes a second to start is found 4 % late. */
const PAUSE_SHARE = 0.04
const LONGEST_PAUSE_MS = 50
const CONNECT_MS = 1000

/** True when somebody accepts a connection there. */
export type Probe = (host: string, port: number) => Promise<boolean>

/** Resolves when the runtime listens; resolves false when `signal` is aborted before. */
export async function whenListening(host: string, port: number, probe: Probe, signal: AbortSignal): Promise<boolean> {
  const began = performance.now()
  while (!signal.aborted) {
    if (await probe(host, port)) return true
    const waited = performance.now() - began
    const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, waited * PAUSE_SHARE))
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
  }
  return false
}

/** The container's own address: nobody but the runtime accepts there. */
export const connects: Probe = (host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS })
    const over = (listening: boolean) => (): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', over(true)).once('error', over(false)).once('timeout', over(false))
  })

/** A published port, where the engine itself accepts before the runtime does: only an answer tells. Any will do. */
export const answers: Probe = (host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS })
    const over = (listening: boolean) => (): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'))
    socket.once('data', over(true)).once('error', over(false)).once('timeout', over(false)).once('close', over(false))
  })
