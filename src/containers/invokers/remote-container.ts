/** A container on another node, as the control plane holds it: its operations are calls to the node's invoker. */

import type { ContainerId } from '../../model/ids.ts'
import type { Container, ContainerEnd, ContainerSpec } from '../container-factory.ts'
import type { Session } from './session.ts'
import type { FromInvoker } from './messages.ts'
import type { ChannelMessage } from './remote-channel.ts'
import { createRemoteChannel } from './remote-channel.ts'

export interface RemoteContainer extends Container {
  readonly id: ContainerId
  receive(message: ChannelMessage, body: Buffer): void
  /** Idempotent: the first end counts. */
  end(end: ContainerEnd): void
}

/** Bounds of the operations in ms; each has what the container's own bound is, and some for the way. */
const SUSPEND_MS = 12_000
const RESIZE_MS = 12_000
const DESTROY_MS = 35_000

/** The handle of a container that its invoker says is running. */
export function createRemoteContainer(
  spec: ContainerSpec,
  session: Session,
  running: Extract<FromInvoker, { type: 'created' }>['container'],
): RemoteContainer {
  const { id } = spec
  const ended = Promise.withResolvers<ContainerEnd>()
  let over = false
  const remote = createRemoteChannel(running, (request, body) => session.send({ ...request, container: id }, body))

  function end(how: ContainerEnd): void {
    if (over) return
    over = true
    remote.close()
    ended.resolve(how)
  }

  return {
    id,
    spec,
    node: session.node,
    channel: remote.channel,
    initialised: running.initialised,
    ended: ended.promise,
    receive: (message, body) => remote.receive(message, body),
    end,
    async resize(memoryMb) {
      if (over) return false
      const answer = await session.call({ type: 'resize', container: id, memoryMb }, RESIZE_MS)
      return answer.type === 'resized' && answer.possible
    },
    relabel: (labels) => session.send({ type: 'relabel', container: id, labels }),
    async suspend() {
      if (!over) await session.call({ type: 'suspend', container: id }, SUSPEND_MS)
    },
    async resume() {
      if (!over) await session.call({ type: 'resume', container: id }, SUSPEND_MS)
    },
    async destroy() {
      if (over) return
      try {
        await session.call({ type: 'destroy', container: id }, DESTROY_MS)
        end({ cause: 'destroyed' })
      } catch (error) {
        // Gone with its node, or its node does not answer: the next list tells.
        end({ cause: 'lost', reason: error instanceof Error ? error.message : String(error) })
      }
    },
  }
}
