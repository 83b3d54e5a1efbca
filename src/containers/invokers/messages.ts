/**
 * What an invoker and the control plane say to each other: one object a message, which is a header in JSON, and bytes behind it where a run has any.
 * Parsed where it comes in; whatever does not fit ends the link.
 */

import * as v from 'valibot'
import type { ActivationId, ContainerId } from '../../model/ids.ts'
import type { ContainerEnd, ContainerListing, ContainerSpec } from '../container-factory.ts'
import type { RuntimeReply } from '../runtime-channel.ts'

/** Raised with every change that the other side would misunderstand. */
export const PROTOCOL = 1

const text = v.pipe(v.string(), v.maxLength(4096))
const containerId = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(64),
  v.transform((id) => id as ContainerId),
)
const activationId = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{32}$/),
  v.transform((id) => id as ActivationId),
)
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const amounts = v.record(text, amount)
const labels = v.record(text, text)

const end = v.variant('cause', [
  v.object({ cause: v.literal('destroyed') }),
  v.object({ cause: v.literal('exited'), code: v.number() }),
  v.object({ cause: v.literal('signalled'), signal: text }),
  v.object({ cause: v.literal('outOfMemory') }),
  v.object({ cause: v.literal('lost'), reason: text }),
]) satisfies v.GenericSchema<unknown, ContainerEnd>

const spec = v.object({
  id: containerId,
  kind: text,
  image: text,
  memoryMb: amount,
  cpuMilli: amount,
  resources: v.exactOptional(amounts),
  concurrent: v.boolean(),
  labels,
}) satisfies v.GenericSchema<unknown, ContainerSpec>

const listing = v.object({ id: containerId, labels, adoptable: v.boolean() })

/** A container that runs, as its invoker knows it. */
const running = v.object({
  initialised: v.boolean(),
  concurrent: v.boolean(),
  pipelined: v.boolean(),
  answerLimitBytes: amount,
})

const fromInvoker = v.variant('type', [
  /** The first: who it is. `incarnation` tells a process that comes back from one that took its place. */
  v.object({
    type: v.literal('hello'),
    protocol: count,
    node: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
    incarnation: text,
    provider: text,
    kinds: v.array(text),
    capacity: amounts,
    leaving: v.boolean(),
  }),
  /** What it has changed. `leaving`: it takes nothing new, and goes when nothing is left in it. */
  v.object({ type: v.literal('node'), capacity: amounts, leaving: v.boolean() }),
  v.object({ type: v.literal('done'), call: count }),
  v.object({ type: v.literal('created'), call: count, container: running }),
  v.object({ type: v.literal('resized'), call: count, possible: v.boolean() }),
  v.object({ type: v.literal('listed'), call: count, containers: v.array(listing) }),
  v.object({
    type: v.literal('failed'),
    call: count,
    failure: v.exactOptional(v.picklist(['noCapacity', 'imageNotFound', 'startFailed', 'timedOut'])),
    message: text,
  }),
  /** What came of an exchange, with the answer's bytes; what the channel says of its runtime since then. */
  v.object({
    type: v.literal('reply'),
    container: containerId,
    exchange: count,
    outcome: v.picklist(['answer', 'tooLarge', 'lost', 'notReached']),
    status: v.exactOptional(count),
    length: v.exactOptional(count),
    tookMs: v.exactOptional(amount),
    concurrent: v.boolean(),
    pipelined: v.boolean(),
    outputPending: v.boolean(),
  }),
  v.object({
    type: v.literal('output'),
    container: containerId,
    stream: v.picklist(['stdout', 'stderr']),
    activationId: v.exactOptional(activationId),
  }),
  /** All output up to that exchange's reply has been sent; `whole` as in RuntimeChannel. */
  v.object({ type: v.literal('drained'), container: containerId, exchange: count, whole: v.boolean() }),
  v.object({ type: v.literal('ended'), container: containerId, end }),
])

const toInvoker = v.variant('type', [
  v.object({ type: v.literal('welcome'), number: count }),
  v.object({ type: v.literal('create'), call: count, spec, withinMs: amount }),
  v.object({ type: v.literal('list'), call: count }),
  v.object({ type: v.literal('remove'), call: count, container: containerId }),
  v.object({ type: v.literal('suspend'), call: count, container: containerId }),
  v.object({ type: v.literal('resume'), call: count, container: containerId }),
  v.object({ type: v.literal('resize'), call: count, container: containerId, memoryMb: amount }),
  v.object({ type: v.literal('destroy'), call: count, container: containerId }),
  v.object({ type: v.literal('relabel'), container: containerId, labels }),
  v.object({ type: v.literal('init'), container: containerId, exchange: count, answerLimitBytes: amount }),
  v.object({
    type: v.literal('run'),
    container: containerId,
    exchange: count,
    activationId,
    answerLimitBytes: amount,
  }),
  /** Nothing of it is counted on any more: it may go. */
  v.object({ type: v.literal('released') }),
])

export type FromInvoker = v.InferOutput<typeof fromInvoker>
export type ToInvoker = v.InferOutput<typeof toInvoker>
/** What answers a call. */
export type CallAnswer = Extract<FromInvoker, { readonly call: number }>
export type Hello = Extract<FromInvoker, { type: 'hello' }>
export type Reply = Extract<FromInvoker, { type: 'reply' }>
export type Listing = Omit<ContainerListing, 'node'>

/** Throw with the place of what does not fit. */
export const parseFromInvoker = (header: unknown): FromInvoker => v.parse(fromInvoker, header)
export const parseToInvoker = (header: unknown): ToInvoker => v.parse(toInvoker, header)

/** An exchange that nothing will come of. */
export const LOST: RuntimeReply = { type: 'lost' }

/** A reply as the proxy takes it. */
export function runtimeReply(reply: Reply, body: Buffer): RuntimeReply {
  const { outcome, status = 200, length = body.length, tookMs } = reply
  switch (outcome) {
    case 'answer':
      return { type: 'answer', status, body, ...(tookMs !== undefined && { tookMs }) }
    case 'tooLarge':
      return { type: 'tooLarge', status, length, prefix: body }
    case 'notReached':
      return { type: 'lost', reached: false }
    case 'lost':
      return LOST
  }
}

/** The other way round: a header's fields, and its bytes. */
export function replyFields(
  reply: RuntimeReply,
): Pick<Reply, 'outcome' | 'status' | 'length' | 'tookMs'> & { readonly body: Buffer | undefined } {
  switch (reply.type) {
    case 'answer': {
      const { status, body, tookMs } = reply
      return { outcome: 'answer', status, body, ...(tookMs !== undefined && { tookMs }) }
    }
    case 'tooLarge': {
      const { status, length, prefix } = reply
      return { outcome: 'tooLarge', status, length, body: prefix }
    }
    case 'lost':
      return { outcome: reply.reached === false ? 'notReached' : 'lost', body: undefined }
  }
}
