/** A container whose runtime does what the test says: for behaviours that no real one shows on demand. */

import type { Container, ContainerEnd } from '../src/containers/container-factory.ts'
import type { OutputListener, RuntimeChannel, RuntimeReply } from '../src/containers/runtime-channel.ts'
import type { ContainerId } from '../src/model/ids.ts'

export interface Exchange {
  readonly kind: 'init' | 'run'
  readonly message: string
  /** Answers with status 200 or the given one. */
  answer(body: string, status?: number): void
  reply(reply: RuntimeReply): void
}

export interface ScriptedContainer extends Container {
  /** Messages that wait for an answer, oldest first. */
  readonly pending: Exchange[]
  /** Everything that was done to the container: `suspend`, `resume`, `destroy`. */
  readonly calls: string[]
  readonly output: { listener: OutputListener }
  failSuspend: boolean
  failResume: boolean
  /** Its output never ends. */
  printsOn: boolean
  end(end: ContainerEnd): void
}

/** A container that waits for its init, or holds its action already. `concurrent`: its runtime overlaps runs once initialised. */
export function scriptedContainer(concurrent = false, pipelined = false, initialised = false): ScriptedContainer {
  const pending: Exchange[] = []
  const calls: string[] = []
  const ended = Promise.withResolvers<ContainerEnd>()
  const exchange = (kind: 'init' | 'run', message: string, done: (reply: RuntimeReply) => void): void => {
    const item: Exchange = {
      kind,
      message,
      answer: (body, status = 200) => item.reply({ type: 'answer', status, body: Buffer.from(body) }),
      reply(reply) {
        pending.splice(pending.indexOf(item), 1)
        done(reply)
      },
    }
    pending.push(item)
  }
  const channel: RuntimeChannel = {
    concurrent,
    pipelined,
    outputPending: false,
    answerLimitBytes: 0,
    onOutput: () => undefined,
    init: (message, done) => exchange('init', message, done),
    run: (_id, message, done) => exchange('run', message, done),
    drained: (done) => done(!container.printsOn),
  }
  const container: ScriptedContainer = {
    spec: {
      id: 'c1' as ContainerId,
      kind: 'nodejs:24',
      image: '',
      memoryMb: 256,
      cpuMilli: 0,
      concurrent,
      labels: {},
    },
    node: 'node',
    initialised,
    channel,
    ended: ended.promise,
    pending,
    calls,
    output: {
      get listener() {
        return channel.onOutput
      },
      set listener(value) {
        channel.onOutput = value
      },
    },
    failSuspend: false,
    failResume: false,
    printsOn: false,
    async resize() {
      return true
    },
    async suspend() {
      calls.push('suspend')
      if (this.failSuspend) throw new Error('the freezer does not work')
    },
    resume() {
      calls.push('resume')
      if (this.failResume) throw new Error('the freezer does not work')
    },
    async destroy() {
      calls.push('destroy')
      ended.resolve({ cause: 'destroyed' })
    },
    end: (end) => ended.resolve(end),
  }
  return container
}
