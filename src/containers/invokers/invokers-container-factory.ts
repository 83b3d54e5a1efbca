/**
 * The `invokers` provider: containers on a fleet of nodes, each with a process that registers itself and makes them there. Who is registered is what there
 * is; nothing is configured about it. A node that is not heard of is gone with all its containers; one that leaves takes nothing new and goes when it is empty.
 */

import type { WebSocket } from 'ws'
import type { Clock, Timers } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { remainingMs } from '../../model/deadline.ts'
import type { ContainerId } from '../../model/ids.ts'
import type { ContainerEnd, ContainerFactory, ContainerListing, ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import { knownContainers } from '../known-containers.ts'
import type { InvokerNumbers } from './invoker-numbers.ts'
import type { Link, LinkEnd } from './link.ts'
import { MISUNDERSTOOD, openLink, REPLACED, STOPPED } from './link.ts'
import type { FromInvoker, Hello, ToInvoker } from './messages.ts'
import { parseFromInvoker, PROTOCOL } from './messages.ts'
import type { RemoteContainer } from './remote-container.ts'
import { createRemoteContainer } from './remote-container.ts'
import type { Session } from './session.ts'
import { createSession, InvokerError } from './session.ts'

export interface FleetLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface InvokersContainerFactoryOptions {
  readonly numbers: InvokerNumbers
  /** Longest silence of an invoker in ms. */
  readonly leaseMs: number
  readonly clock: Clock
  readonly timers: Timers
  readonly log: FleetLog
}

/** Numbers for telemetry; counters only grow. */
export interface FleetMetrics {
  readonly containers: number
  readonly startsWaiting: number
  readonly startsUnderWay: number
  started: number
  startFailures: number
  outOfMemory: number
  /** Invokers that came, those that came back, that went in order, and that were lost. */
  registered: number
  replaced: number
  released: number
  lost: number
}

/** One node of the fleet, for operators. */
export interface InvokerReport {
  readonly number: number
  readonly node: string
  readonly state: 'up' | 'leaving' | 'away'
  readonly provider?: string
  readonly kinds?: readonly string[]
  readonly containers: number
}

export interface InvokersContainerFactory extends ContainerFactory {
  readonly provider: 'invokers'
  readonly metrics: FleetMetrics
  /** Takes an authenticated connection of an invoker. */
  accept(socket: WebSocket): void
  /** All invokers that were ever registered, by number. */
  invokers(): readonly InvokerReport[]
  /** Is called when nodes have come, gone or changed. */
  onChange: () => void
}

/** An invoker says who it is within so many ms. */
const HELLO_MS = 10_000
const LIST_MS = 8000
const REMOVE_MS = 35_000
/** For the way there and back, in ms: the invoker itself keeps to the deadline. */
const WAY_MS = 5000

/** A fleet that nobody has joined yet. */
export function createInvokersContainerFactory(options: InvokersContainerFactoryOptions): InvokersContainerFactory {
  const { numbers, leaseMs, clock, timers, log } = options
  const sessions = new Map<string, Session>()
  const containers = knownContainers<RemoteContainer>()
  /** Those that run, for what their invokers say of them. */
  const running = new Map<ContainerId, RemoteContainer>()
  /** Where containers were listed that have no handle here. */
  const seenOn = new Map<ContainerId, Session>()
  const connections = new Set<Link<ToInvoker>>()
  /** Starts under way, with what is said of their end before they are known to have begun. */
  const starting = new Map<ContainerId, { readonly node: string; end?: ContainerEnd }>()
  /** Nodes that the pool was told are leaving: it places nothing there any more. */
  const known = new Set<Session>()
  let stopped = false

  const metrics: FleetMetrics = {
    get containers() {
      return running.size
    },
    startsWaiting: 0,
    get startsUnderWay() {
      return starting.size
    },
    started: 0,
    startFailures: 0,
    outOfMemory: 0,
    registered: 0,
    replaced: 0,
    released: 0,
    lost: 0,
  }

  const factory: InvokersContainerFactory = {
    provider: 'invokers',
    // What an invoker's own provider cannot do it says when it is asked.
    canSuspend: true,
    canResize: true,
    metrics,
    onChange: () => undefined,
    start: () => Promise.resolve(),
    accept,
    create(spec, deadline) {
      return containers.start(
        spec.id,
        () => create(spec, deadline),
        (container, end) => {
          running.delete(container.id)
          if (end.cause === 'outOfMemory') metrics.outOfMemory++
          release()
        },
      )
    },
    list,
    async remove(id) {
      const held = containers.get(id)
      if (held !== undefined) {
        const container = await held.catch(() => undefined)
        await container?.destroy()
        return
      }
      const session = seenOn.get(id)
      seenOn.delete(id)
      const asked = session === undefined ? [...sessions.values()] : [session]
      await Promise.all(asked.map((one) => one.call({ type: 'remove', container: id }, REMOVE_MS)))
    },
    nodes() {
      const nodes = [...sessions.values()].map((session) => session.capacity())
      for (const session of sessions.values()) if (session.leaving) known.add(session)
      // After the caller has taken them in.
      if (known.size > 0) queueMicrotask(release)
      return nodes
    },
    invokers: () =>
      [...numbers.known]
        .map(([node, number]) => report(node, number))
        .toSorted((one, other) => one.number - other.number),
    async stop() {
      stopped = true
      await containers.destroyAll()
      for (const link of connections) link.close(STOPPED, 'the control plane stops')
    },
  }
  return factory

  function report(node: string, number: number): InvokerReport {
    const session = sessions.get(node)
    if (session === undefined) return { number, node, state: 'away', containers: 0 }
    const { leaving, provider, kinds } = session
    return { number, node, state: leaving ? 'leaving' : 'up', provider, kinds, containers: countOn(node) }
  }

  function countOn(node: string): number {
    let count = 0
    for (const container of running.values()) if (container.node === node) count++
    return count
  }

  function accept(socket: WebSocket): void {
    let session: Session | undefined
    let registering = false
    let over: LinkEnd | undefined
    const link = openLink<FromInvoker, ToInvoker>({
      socket,
      parse: parseFromInvoker,
      leaseMs,
      clock,
      timers,
      receive(message, body) {
        if (session !== undefined) return receive(session, message, body)
        if (message.type !== 'hello' || registering) return link.close(MISUNDERSTOOD, 'the first message is hello')
        registering = true
        void register(message, link).then((registered) => {
          session = registered
          // It went while its number was being written.
          if (session !== undefined && over !== undefined) lose(session, false, over.reason)
        })
      },
    })
    connections.add(link)
    if (stopped) link.close(STOPPED, 'the control plane stops')
    const cancel = timers.after(HELLO_MS, () => {
      if (session === undefined) link.close(MISUNDERSTOOD, `no hello within ${HELLO_MS} ms`)
    })
    void link.ended.then((end) => {
      over = end
      cancel()
      connections.delete(link)
      if (session !== undefined) lose(session, end.code === STOPPED, end.reason)
    })
  }

  /** Gives it its number, and counts on its node from then on. Undefined where that could not be: the link is closed. */
  async function register(hello: Hello, link: Link<ToInvoker>): Promise<Session | undefined> {
    const { node, protocol, incarnation } = hello
    if (protocol !== PROTOCOL) {
      link.close(MISUNDERSTOOD, `this control plane speaks version ${PROTOCOL} of the protocol, not ${protocol}`)
      return undefined
    }
    let number: number
    try {
      number = await numbers.numberOf(node)
    } catch (error) {
      log.warn({ node, error }, 'an invoker could not be given a number')
      link.close(STOPPED, 'its number could not be kept')
      return undefined
    }
    const before = sessions.get(node)
    if (before !== undefined) {
      // Its old connection is not known to be dead yet, or a new process has taken its place: who came last is there.
      metrics.replaced++
      before.close(REPLACED, before.incarnation === incarnation ? 'it connected again' : 'another process of its name')
      lose(before, false, 'it registered anew')
    }
    const session = createSession(hello, number, link, timers)
    sessions.set(node, session)
    metrics.registered++
    session.send({ type: 'welcome', number })
    log.info({ node, number, provider: hello.provider }, 'invoker registered')
    factory.onChange()
    return session
  }

  function receive(session: Session, message: FromInvoker, body: Buffer): void {
    switch (message.type) {
      case 'hello':
        return session.close(MISUNDERSTOOD, 'it said hello twice')
      case 'node':
        if (!session.changed(message.capacity, message.leaving)) return
        if (message.leaving) log.info({ node: session.node, number: session.number }, 'invoker is leaving')
        factory.onChange()
        release()
        return
      case 'reply':
      case 'output':
      case 'drained':
        return own(session, message.container)?.receive(message, body)
      case 'ended':
        return endOf(session, message.container, message.end)
      case 'created':
      case 'done':
      case 'failed':
      case 'listed':
      case 'resized':
        session.answered(message)
    }
  }

  function endOf(session: Session, id: ContainerId, end: ContainerEnd): void {
    const begun = starting.get(id)
    if (begun?.node === session.node) begun.end = end
    else own(session, id)?.end(end)
  }

  /** Invokers speak of their own containers alone. */
  function own(session: Session, id: ContainerId): RemoteContainer | undefined {
    const container = running.get(id)
    return container?.node === session.node ? container : undefined
  }

  function lose(session: Session, inOrder: boolean, reason: string): void {
    if (sessions.get(session.node) !== session) return
    const { node, number } = session
    sessions.delete(node)
    known.delete(session)
    for (const [id, where] of seenOn) if (where === session) seenOn.delete(id)
    session.ended({ code: 0, reason })
    const left = [...running.values()].filter((container) => container.node === node)
    for (const container of left) container.end({ cause: 'lost', reason: `invoker ${node} is gone` })
    if (inOrder && left.length === 0) {
      metrics.released++
      log.info({ node, number }, 'invoker left')
    } else {
      metrics.lost++
      log.warn({ node, number, reason, containers: left.length }, 'invoker lost')
    }
    factory.onChange()
  }

  /** Those that leave are let go when nothing is left on them, and nothing is being started. */
  function release(): void {
    for (const session of known) {
      const { node } = session
      if (countOn(node) > 0 || [...starting.values()].some((start) => start.node === node)) continue
      known.delete(session)
      session.send({ type: 'released' })
    }
  }

  async function create(spec: ContainerSpec, deadline: Deadline): Promise<RemoteContainer> {
    try {
      const session = sessionFor(spec)
      starting.set(spec.id, { node: session.node })
      const container = await createOn(session, spec, deadline)
      metrics.started++
      return container
    } catch (error) {
      metrics.startFailures++
      throw error
    } finally {
      starting.delete(spec.id)
      release()
    }
  }

  async function createOn(session: Session, spec: ContainerSpec, deadline: Deadline): Promise<RemoteContainer> {
    const { node: _node, ...sent } = spec
    const withinMs = remainingMs(deadline, clock)
    try {
      const answer = await session.call({ type: 'create', spec: sent, withinMs }, withinMs + WAY_MS)
      if (answer.type !== 'created') throw new InvokerError(`invoker ${session.node} answered ${answer.type}`)
      if (sessions.get(session.node) !== session) throw new InvokerError(`invoker ${session.node} is gone`)
      const container = createRemoteContainer(spec, session, answer.container)
      running.set(spec.id, container)
      seenOn.delete(spec.id)
      const end = starting.get(spec.id)?.end
      if (end !== undefined) container.end(end)
      return container
    } catch (error) {
      if (!(error instanceof InvokerError)) throw error
      const failure = error.failure ?? (sessions.get(session.node) === session ? 'startFailed' : 'noCapacity')
      throw new ContainerStartError(failure, error.message, { cause: error })
    }
  }

  function sessionFor({ node }: ContainerSpec): Session {
    if (stopped) throw new ContainerStartError('startFailed', 'the control plane stops')
    const session = node === undefined ? [...sessions.values()].find(({ leaving }) => !leaving) : sessions.get(node)
    if (session !== undefined) return session
    // It has gone since the node was chosen: others will do.
    const message = node === undefined ? 'no invoker is registered' : `invoker ${node} is not registered`
    throw new ContainerStartError('noCapacity', message)
  }

  /** Rejects where one of them does not answer: what it runs must not be taken for gone. */
  async function list(): Promise<readonly ContainerListing[]> {
    const lists = await Promise.all(
      [...sessions.values()].map(async (session) => {
        const answer = await session.call({ type: 'list' }, LIST_MS)
        const found = answer.type === 'listed' ? answer.containers : []
        for (const { id } of found) if (!containers.has(id)) seenOn.set(id, session)
        return found.map(({ id, labels, adoptable }) => ({ id, node: session.node, labels, adoptable }))
      }),
    )
    return lists.flat()
  }
}
