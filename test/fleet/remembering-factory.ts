/** A node's own factory without processes: its containers answer a run with its message, and it can be made to hang or to fail, which real ones cannot. */

import type {
  Container,
  ContainerEnd,
  ContainerFactory,
  ContainerSpec,
} from '../../src/containers/container-factory.ts'
import { knownContainers } from '../../src/containers/known-containers.ts'
import type { RuntimeChannel, RuntimeReply } from '../../src/containers/runtime-channel.ts'
import type { ContainerId } from '../../src/model/ids.ts'

export interface RememberingFactory extends ContainerFactory {
  readonly counters: { creates: number }
  suspended(): readonly ContainerId[]
  setMemory(memoryMb: number): void
  hangNextCreate(): void
  /** Lets the oldest of the creations that hang come to its end. */
  endHanging(): void
  failNextCreate(error: Error): void
}

export function rememberingFactory({ memoryMb = 4096 } = {}): RememberingFactory {
  const containers = knownContainers()
  const listed = new Map<ContainerId, ContainerSpec>()
  const suspended = new Set<ContainerId>()
  const counters = { creates: 0 }
  let capacity = { memoryMb, cpuMilli: 1000 }
  let next: 'hangs' | Error | undefined
  const hanging: (() => void)[] = []

  function begin(spec: ContainerSpec): Promise<Container> {
    counters.creates++
    const how = next
    next = undefined
    if (how === 'hangs') {
      return new Promise((resolve) => {
        hanging.push(() => resolve(make(spec)))
      })
    }
    if (how !== undefined) return Promise.reject(how)
    return Promise.resolve(make(spec))
  }

  function make(spec: ContainerSpec): Container {
    listed.set(spec.id, spec)
    const ended = Promise.withResolvers<ContainerEnd>()
    const { channel, close } = echoChannel()
    const container: Container = {
      spec,
      node: 'local',
      channel,
      ended: ended.promise,
      resize: () => Promise.resolve(true),
      suspend() {
        suspended.add(spec.id)
        return Promise.resolve()
      },
      resume: () => void suspended.delete(spec.id),
      destroy() {
        listed.delete(spec.id)
        close()
        ended.resolve({ cause: 'destroyed' })
        return Promise.resolve()
      },
    }
    return container
  }

  return {
    provider: 'remembering',
    canSuspend: true,
    canResize: true,
    counters,
    suspended: () => [...suspended],
    setMemory(mb) {
      capacity = { ...capacity, memoryMb: mb }
    },
    hangNextCreate() {
      next = 'hangs'
    },
    endHanging: () => hanging.shift()?.(),
    failNextCreate(error) {
      next = error
    },
    start: () => Promise.resolve(),
    create: (spec) =>
      containers.start(
        spec.id,
        () => begin(spec),
        () => undefined,
      ),
    list: () =>
      Promise.resolve([...listed.values()].map(({ id, labels }) => ({ id, node: 'local', labels, adoptable: false }))),
    async remove(id) {
      await (await containers.get(id))?.destroy()
    },
    nodes: () => [{ node: 'local', capacity, schedulable: true }],
    stop: () => containers.destroyAll(),
  }
}

/** Answers with what it was sent, but for messages that say `hang`. */
function echoChannel(): { readonly channel: RuntimeChannel; close(): void } {
  const hanging = new Set<(reply: RuntimeReply) => void>()
  const channel: RuntimeChannel = {
    concurrent: false,
    pipelined: false,
    outputPending: false,
    answerLimitBytes: 1024,
    onOutput: () => undefined,
    init: (_message, done) => done({ type: 'answer', status: 200, body: Buffer.from('{"ok":true}') }),
    run(_id, message, done) {
      if (message.includes('hang')) hanging.add(done)
      else done({ type: 'answer', status: 200, body: Buffer.from(message, 'latin1') })
    },
    drained: (done) => done(true),
  }
  return {
    channel,
    close() {
      for (const done of hanging) done({ type: 'lost' })
      hanging.clear()
    },
  }
}
