/** One registered invoker, for as long as its link lasts: calls with a deadline, messages that are not answered, and what it has told of its node. */

import type { Timers } from '../../model/clock.ts'
import type { NodeCapacity, Resources, StartFailure } from '../container-factory.ts'
import type { Link, LinkEnd } from './link.ts'
import type { CallAnswer, Hello, ToInvoker } from './messages.ts'

type WithoutCall<Message> = Message extends { readonly call: number } ? Omit<Message, 'call'> : never
/** What is answered, without the number of the call. */
export type Call = WithoutCall<ToInvoker>

/** The invoker could not do it, and says why. */
export class InvokerError extends Error {
  override readonly name = 'InvokerError'
  readonly failure: StartFailure | undefined

  constructor(message: string, failure?: StartFailure) {
    super(message)
    this.failure = failure
  }
}

export interface Session {
  readonly node: string
  /** The same for each process of that name. */
  readonly number: number
  readonly incarnation: string
  readonly provider: string
  readonly kinds: readonly string[]
  /** Takes nothing new, and goes when it is empty. */
  readonly leaving: boolean
  /** As the pool takes it; the same object until it changes. */
  capacity(): NodeCapacity
  /** Resolves with the answer; rejects with `InvokerError` when it fails, is late, or the link ends. */
  call(call: Call, withinMs: number): Promise<CallAnswer>
  send(message: ToInvoker, body?: Uint8Array): void
  /** Takes the answer to a call. */
  answered(answer: CallAnswer): void
  /** Takes what the invoker says of its node; true when that is something new. */
  changed(capacity: Resources, leaving: boolean): boolean
  close(code: number, reason: string): void
  /** Fails what is under way. */
  ended(end: LinkEnd): void
}

interface Pending {
  readonly resolve: (answer: CallAnswer) => void
  readonly reject: (error: InvokerError) => void
  readonly cancel: () => void
}

/** A session over a link whose first message was `hello`. */
export function createSession(hello: Hello, number: number, link: Link<ToInvoker>, timers: Timers): Session {
  const { node } = hello
  const pending = new Map<number, Pending>()
  let next = 0
  let over: string | undefined
  const { kinds } = hello
  let known: NodeCapacity = { node, capacity: hello.capacity, schedulable: !hello.leaving, kinds }

  return {
    node,
    number,
    incarnation: hello.incarnation,
    provider: hello.provider,
    kinds,
    get leaving() {
      return !known.schedulable
    },
    capacity: () => known,
    call(call, withinMs) {
      if (over !== undefined) return Promise.reject(new InvokerError(over))
      const id = next++
      return new Promise((resolve, reject) => {
        const late = `invoker ${node} did not answer within ${Math.round(withinMs)} ms`
        const cancel = timers.after(withinMs, () => {
          pending.delete(id)
          reject(new InvokerError(late, 'timedOut'))
        })
        pending.set(id, { resolve, reject, cancel })
        link.send({ ...call, call: id })
      })
    },
    send: (message, body) => link.send(message, body),
    answered(answer) {
      const waiting = pending.get(answer.call)
      // It came too late, and what waited for it was told so.
      if (waiting === undefined) return
      pending.delete(answer.call)
      waiting.cancel()
      if (answer.type === 'failed') waiting.reject(new InvokerError(answer.message, answer.failure))
      else waiting.resolve(answer)
    },
    changed(capacity, leaving) {
      const same = known.schedulable === !leaving && isSame(known.capacity, capacity)
      if (!same) known = { node, capacity, schedulable: !leaving, kinds }
      return !same
    },
    close: (code, reason) => link.close(code, reason),
    ended({ reason }) {
      over = `invoker ${node} is gone: ${reason === '' ? 'its connection was closed' : reason}`
      for (const { reject, cancel } of pending.values()) {
        cancel()
        reject(new InvokerError(over))
      }
      pending.clear()
    },
  }
}

function isSame(one: Resources, other: Resources): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].every((name) => one[name] === other[name])
}
