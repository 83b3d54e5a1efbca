/**
 * An invoker's place in the fleet: it dials the control plane, says who it is, serves its containers over the connection, and dials again whenever that has
 * ended, until it leaves in order or another process of its name takes its place.
 */

import { isDeepStrictEqual } from 'node:util'
import { WebSocket } from 'ws'
import type { Clock, Timers } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { remainingMs } from '../../model/deadline.ts'
import type { ContainerFactory, Resources } from '../container-factory.ts'
import type { FleetLog } from './invokers-container-factory.ts'
import type { Link, LinkEnd } from './link.ts'
import { openLink, REPLACED, STOPPED } from './link.ts'
import type { FromInvoker, ToInvoker } from './messages.ts'
import { parseToInvoker, PROTOCOL } from './messages.ts'
import type { NodeContainers } from './node-containers.ts'
import { REGISTRATION_PATH } from './registration-server.ts'

export interface MembershipOptions {
  /** `ws://HOST:PORT` or `wss://…` of the control plane. */
  readonly url: string
  readonly token: string
  /** Its identity: the same number for the same name. */
  readonly node: string
  /** Tells this process from another of its name. */
  readonly incarnation: string
  readonly kinds: readonly string[]
  readonly factory: ContainerFactory
  readonly containers: NodeContainers
  readonly leaseMs: number
  /** Bytes of one message, at most. */
  readonly maxMessageBytes: number
  readonly clock: Clock
  readonly timers: Timers
  readonly log: FleetLog
  /** A number from 0 to 1 that spreads attempts over time. */
  readonly random: () => number
}

export interface Membership {
  /** Its number, while it is registered. */
  readonly number: number | undefined
  /** Why it is not registered; undefined while it is. */
  readonly problem: string | undefined
  /** Connections that were lost. */
  readonly losses: number
  /** Resolves with the reason when another process of its name has taken its place. */
  readonly replaced: Promise<string>
  /** Takes nothing new any more; resolves when nothing of it is counted on, or at the deadline, or at once where nobody is connected. */
  leave(deadline: Deadline): Promise<void>
  /** Ends the connection. Idempotent. */
  stop(): void
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5000
const HANDSHAKE_MS = 10_000
/** How often it looks whether what its node has has changed. */
const NODE_MS = 1000

/** Begins to dial. */
export function join(options: MembershipOptions): Membership {
  const { url, token, node, factory, containers, leaseMs, clock, timers, log } = options
  const replaced = Promise.withResolvers<string>()
  let link: Link<FromInvoker> | undefined
  let number: number | undefined
  let problem: string | undefined = 'it has not connected yet'
  let retryMs = FIRST_RETRY_MS
  let losses = 0
  let leaving = false
  let stopped = false
  let told: { readonly capacity: Resources; readonly leaving: boolean } | undefined
  /** Resolves when nothing of it is counted on, once it leaves. */
  let gone: PromiseWithResolvers<void> | undefined

  /** What it has, and whether it stays. */
  function standing(): { readonly capacity: Resources; readonly leaving: boolean } {
    const [own] = factory.nodes()
    return { capacity: own?.capacity ?? {}, leaving: leaving || own?.schedulable === false }
  }

  function tell(): void {
    const now = standing()
    if (number === undefined || isDeepStrictEqual(told, now)) return
    told = now
    link?.send({ type: 'node', ...now })
  }

  function dial(): void {
    if (stopped) return
    const socket = new WebSocket(new URL(REGISTRATION_PATH, url), {
      headers: { Authorization: `Bearer ${token}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: options.maxMessageBytes,
      perMessageDeflate: false,
    })
    socket.once('open', () => {
      socket.off('error', refused)
      serve(socket)
    })
    socket.once('error', refused)
    // More of them change nothing: its end is told once.
    socket.on('error', () => undefined)
  }

  function refused(error: Error): void {
    problem = `the control plane at ${url} cannot be reached: ${error.message}`
    again()
  }

  function again(): void {
    if (stopped) return
    const wait = retryMs * (0.5 + options.random() / 2)
    retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
    timers.after(wait, dial)
  }

  function serve(socket: WebSocket): void {
    const own = openLink<ToInvoker, FromInvoker>({
      socket,
      parse: parseToInvoker,
      leaseMs,
      clock,
      timers,
      receive(message, body) {
        if (message.type === 'welcome') return welcomed(own, message.number)
        if (message.type === 'released') return gone?.resolve()
        containers.receive(message, body)
      },
    })
    link = own
    const { incarnation, kinds } = options
    const { provider } = factory
    told = standing()
    own.send({ type: 'hello', protocol: PROTOCOL, node, incarnation, provider, kinds: [...kinds], ...told })
    void own.ended.then(lost)
  }

  function welcomed(own: Link<FromInvoker>, given: number): void {
    number = given
    // What its containers say before that is about nothing that the other side counts on.
    containers.attach(own)
    problem = undefined
    retryMs = FIRST_RETRY_MS
    log.info({ node, number, url }, 'registered')
    tell()
  }

  function lost({ code, reason }: LinkEnd): void {
    const wasRegistered = number !== undefined
    link = undefined
    number = undefined
    containers.detach()
    gone?.resolve()
    if (stopped) return
    const why = reason === '' ? `its connection was closed (${code})` : reason
    problem = `the control plane at ${url} is gone: ${why}`
    if (wasRegistered) {
      losses++
      log.warn({ node, reason: why }, 'the control plane is gone')
    }
    if (code === REPLACED) replaced.resolve(why)
    else again()
  }

  const looking = setInterval(tell, NODE_MS)
  looking.unref()
  dial()

  return {
    get number() {
      return number
    },
    get problem() {
      return problem
    },
    get losses() {
      return losses
    },
    replaced: replaced.promise,
    async leave(deadline) {
      leaving = true
      if (number === undefined) return
      gone = Promise.withResolvers()
      tell()
      const cancel = timers.after(remainingMs(deadline, clock), gone.resolve)
      await gone.promise
      cancel()
    },
    stop() {
      if (stopped) return
      stopped = true
      clearInterval(looking)
      link?.close(STOPPED, 'the invoker stops')
    },
  }
}
