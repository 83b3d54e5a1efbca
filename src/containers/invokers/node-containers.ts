/**
 * The containers of this node as its invoker serves them: what the control plane orders is done with the node's own factory, what its containers say is sent
 * back. They outlive the link: idle ones wait for the control plane to come back and take them over, busy ones end, because nobody knows of their runs.
 */

import type { Clock } from '../../model/clock.ts'
import { deadlineIn } from '../../model/deadline.ts'
import type { ContainerId } from '../../model/ids.ts'
import type { Container, ContainerFactory, ContainerSpec } from '../container-factory.ts'
import { ContainerStartError } from '../container-factory.ts'
import type { Link } from './link.ts'
import type { CallAnswer, FromInvoker, Listing, ToInvoker } from './messages.ts'
import { replyFields } from './messages.ts'

export type ToControl = Pick<Link<FromInvoker>, 'send' | 'waitingBytes'>

type Call = Extract<ToInvoker, { readonly call: number }>
type Exchange = Extract<ToInvoker, { readonly exchange: number }>

export interface NodeContainers {
  /** From now on what containers say goes there. */
  attach(control: ToControl): void
  /** The control plane is gone. */
  detach(): void
  receive(message: ToInvoker, body: Buffer): void
  readonly size: number
}

interface Held {
  readonly container: Container
  labels: ContainerSpec['labels']
  initialised: boolean
  /** Inits and runs that are under way. */
  readonly exchanges: Set<number>
  /** Output was dropped since the last reply. */
  cut: boolean
}

/** While so much waits to be sent, output is dropped: a container that floods must not cost the others their node. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** Serves the containers of a factory that has started. */
export function createNodeContainers(factory: ContainerFactory, clock: Clock): NodeContainers {
  const containers = new Map<ContainerId, Held>()
  let control: ToControl | undefined
  const send = (message: FromInvoker, body?: Uint8Array): void => control?.send(message, body)

  function hold(container: Container): Held {
    const { id, labels } = container.spec
    const held: Held = {
      container,
      labels,
      initialised: container.initialised === true,
      exchanges: new Set(),
      cut: false,
    }
    containers.set(id, held)
    container.channel.onOutput = (stream, chunk, activationId) => {
      if ((control?.waitingBytes ?? 0) > MAX_WAITING_BYTES) {
        held.cut = true
        return
      }
      send({ type: 'output', container: id, stream, ...(activationId !== undefined && { activationId }) }, chunk)
    }
    void container.ended.then((end) => {
      containers.delete(id)
      send({ type: 'ended', container: id, end })
    })
    return held
  }

  async function create(call: number, spec: ContainerSpec, withinMs: number): Promise<CallAnswer> {
    const known = containers.get(spec.id)
    const held = known ?? hold(await factory.create(spec, deadlineIn(withinMs, clock)))
    // Whoever takes it over does not know that another one has suspended it.
    if (known !== undefined) await held.container.resume()
    const { concurrent, pipelined, answerLimitBytes } = held.container.channel
    const { initialised } = held
    return { type: 'created', call, container: { initialised, concurrent, pipelined, answerLimitBytes } }
  }

  async function list(): Promise<Listing[]> {
    const listed = await factory.list()
    return listed.map(({ id, labels, adoptable }) => {
      const held = containers.get(id)
      return held === undefined
        ? { id, labels, adoptable }
        : { id, labels: held.labels, adoptable: held.initialised && held.exchanges.size === 0 }
    })
  }

  async function answer(message: Call): Promise<CallAnswer> {
    const { call } = message
    if (message.type === 'create') return create(call, message.spec, message.withinMs)
    if (message.type === 'list') return { type: 'listed', call, containers: await list() }
    const { container: id } = message
    const container = containers.get(id)?.container
    switch (message.type) {
      case 'remove':
        await factory.remove(id)
        break
      case 'destroy':
        await container?.destroy()
        break
      case 'suspend':
        if (factory.canSuspend === true) await container?.suspend()
        break
      case 'resume':
        await container?.resume()
        break
      case 'resize':
        return { type: 'resized', call, possible: (await container?.resize(message.memoryMb)) === true }
    }
    return { type: 'done', call }
  }

  function exchange(message: Exchange, body: Buffer): void {
    const { container: id, exchange: number } = message
    const held = containers.get(id)
    if (held === undefined) {
      const nothing = { concurrent: false, pipelined: false, outputPending: false }
      return send({ type: 'reply', container: id, exchange: number, outcome: 'notReached', ...nothing })
    }
    const { channel } = held.container
    channel.answerLimitBytes = message.answerLimitBytes
    held.exchanges.add(number)
    const done: Parameters<typeof channel.run>[2] = (reply) => {
      held.exchanges.delete(number)
      if (message.type === 'init') held.initialised = reply.type === 'answer' && reply.status === 200
      const { concurrent, pipelined, outputPending } = channel
      const { body: bytes, ...fields } = replyFields(reply)
      const runtime = { concurrent, pipelined, outputPending }
      send({ type: 'reply', container: id, exchange: number, ...fields, ...runtime }, bytes)
      // The other side waits for it whenever there may be some: asking first would cost a way there and back.
      if (outputPending) {
        channel.drained((whole) => {
          send({ type: 'drained', container: id, exchange: number, whole: whole && !held.cut })
          held.cut = false
        })
      }
    }
    if (message.type === 'init') channel.init(body.toString(), done)
    else channel.run(message.activationId, body.toString('latin1'), done)
  }

  return {
    get size() {
      return containers.size
    },
    attach(to) {
      control = to
    },
    detach() {
      control = undefined
      for (const { container, exchanges } of containers.values()) if (exchanges.size > 0) void container.destroy()
    },
    receive(message, body) {
      switch (message.type) {
        case 'init':
        case 'run':
          return exchange(message, body)
        case 'relabel': {
          const held = containers.get(message.container)
          if (held === undefined) return
          held.labels = message.labels
          held.container.relabel?.(message.labels)
          return
        }
        case 'welcome':
        case 'released':
          return
        case 'create':
        case 'destroy':
        case 'list':
        case 'remove':
        case 'resize':
        case 'resume':
        case 'suspend': {
          const from = control
          void answer(message)
            .catch((error: unknown): CallAnswer => {
              const failure = error instanceof ContainerStartError ? { failure: error.failure } : {}
              return { type: 'failed', call: message.call, ...failure, message: textOf(error) }
            })
            .then((done) => {
              // To whoever asked: its successor counts its calls anew, and would take this for the answer to another one.
              if (from === control) send(done)
            })
        }
      }
    },
  }
}

/** What a message may have of it. */
const MESSAGE_CHARACTERS = 4000

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_CHARACTERS)
}
