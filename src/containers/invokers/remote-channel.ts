/** The line to a runtime on another node: what the proxy asks goes there as messages, what comes back is handed on as if the runtime were here. */

import type { ActivationId } from '../../model/ids.ts'
import type { RuntimeChannel, RuntimeReply } from '../runtime-channel.ts'
import type { FromInvoker, ToInvoker } from './messages.ts'
import { LOST, runtimeReply } from './messages.ts'

type Exchange = Pick<Extract<ToInvoker, { type: 'init' | 'run' }>, 'exchange' | 'answerLimitBytes'>

/** An init or a run without the container's name. */
export type ChannelRequest =
  | (Exchange & { readonly type: 'init' })
  | (Exchange & { readonly type: 'run'; readonly activationId: ActivationId })

/** What of an invoker's messages is about a channel. */
export type ChannelMessage = Extract<FromInvoker, { type: 'reply' | 'output' | 'drained' }>

export interface RemoteChannel {
  readonly channel: RuntimeChannel
  receive(message: ChannelMessage, body: Buffer): void
  /** Whatever is in flight, and whatever comes after it, is lost. Idempotent. */
  close(): void
}

/** A channel as its runtime is: fresh, or with an action in it. */
export function createRemoteChannel(
  runtime: Pick<RuntimeChannel, 'concurrent' | 'pipelined' | 'answerLimitBytes'>,
  send: (request: ChannelRequest, body: Buffer) => void,
): RemoteChannel {
  const inFlight = new Map<number, (reply: RuntimeReply) => void>()
  /** Who waits for the output up to an exchange. */
  let waiting: { readonly exchange: number; readonly done: (whole: boolean) => void }[] = []
  let next = 0
  let { concurrent, pipelined } = runtime
  let outputPending = true
  /** The last exchange whose output may still be on its way. */
  let undrained: number | undefined
  let whole = true
  let closed = false

  function exchange(done: (reply: RuntimeReply) => void): number {
    const number = next++
    inFlight.set(number, done)
    return number
  }

  const channel: RuntimeChannel = {
    get concurrent() {
      return concurrent
    },
    get pipelined() {
      return pipelined
    },
    get outputPending() {
      return outputPending
    },
    onOutput: () => undefined,
    answerLimitBytes: runtime.answerLimitBytes,
    init(message, done) {
      if (closed) return done(LOST)
      const { answerLimitBytes } = channel
      send({ type: 'init', exchange: exchange(done), answerLimitBytes }, Buffer.from(message))
    },
    run(activationId, message, done) {
      if (closed) return done(LOST)
      const { answerLimitBytes } = channel
      send({ type: 'run', exchange: exchange(done), activationId, answerLimitBytes }, Buffer.from(message, 'latin1'))
    },
    drained(done) {
      if (undrained === undefined || closed) done(whole)
      else waiting.push({ exchange: undrained, done })
    },
  }

  return {
    channel,
    receive(message, body) {
      switch (message.type) {
        case 'output':
          channel.onOutput(message.stream, body, message.activationId)
          return
        case 'reply': {
          const done = inFlight.get(message.exchange)
          if (done === undefined) return
          inFlight.delete(message.exchange)
          ;({ concurrent, pipelined, outputPending } = message)
          // Its invoker says of itself when the output is complete.
          if (outputPending) undrained = message.exchange
          whole = true
          done(runtimeReply(message, body))
          return
        }
        case 'drained': {
          const { exchange: upTo } = message
          whole = message.whole
          if (undrained !== undefined && undrained <= upTo) undrained = undefined
          const ready = waiting.filter((waiter) => waiter.exchange <= upTo)
          waiting = waiting.filter((waiter) => waiter.exchange > upTo)
          for (const { done } of ready) done(message.whole)
        }
      }
    },
    close() {
      if (closed) return
      closed = true
      const lost = [...inFlight.values()]
      inFlight.clear()
      for (const done of lost) done(LOST)
      // Nobody knows what more there was.
      for (const { done } of waiting.splice(0)) done(false)
    },
  }
}
