/** Keys of the way of a request: routers, journal, records, and the removal and placement of containers. */

import { STORAGE_LEVELS } from '../../model/storage-level.ts'
import { choice, flag, integer } from '../field.ts'

const DAY_MS = 86_400_000

export const router = {
  maxParked: integer(20_000, {
    doc: 'Requests that wait for a container at once, all actions together. One namespace alone gets four fifths of them, and several get equal parts.',
    failure: 'More are refused with 503 and Retry-After; each waiting one holds its payload in memory.',
    whom: 'Operators of hosts with much or with little memory.',
  }),
  maxParkedPerAction: integer(10_000, {
    doc: 'Requests that wait for containers of one action at once. Half of the whole by default, so that no action can take every place.',
    constraint: 'at most `router.maxParked`',
    failure: 'More are refused with 503 and Retry-After.',
    whom: 'Operators of shared systems: lower.',
  }),
  parkTimeoutMs: integer(60_000, {
    unit: 'ms',
    min: 100,
    doc: 'Time that a request waits for a container, or before that for the turn of its namespace, before it is given up.',
    failure: 'Too short: calls fail during bursts. Too long: clients wait for what will not come.',
    whom: 'Nobody by default.',
  }),
  overflowFactor: integer(2, {
    max: 1000,
    doc: 'Requests that may wait at one busy container, as a multiple of its concurrency. 0: none.',
    failure: 'Too high: short runs queue behind long ones. Too low: more containers are started than needed.',
    whom: 'Nobody by default.',
  }),
  overflowWaitMs: integer(1000, {
    unit: 'ms',
    doc: 'Longest time that a request waits at a busy container before it goes back to be routed anew.',
    failure: 'Too long: a stuck run holds up others.',
    whom: 'Nobody by default.',
  }),
  busyPollUs: integer(200, {
    max: 10_000,
    doc: 'Longest time in microseconds that the router keeps its processor awake for an event of a lone short call, when such events have been coming that quickly. 0: never.',
    failure:
      'Too long: processor time is spent on waiting. 0: a lone call waits for processors to wake up, which on virtual machines takes longer than the call.',
    whom: 'Operators of hosts where processor time that is not used is somebody else’s: 0.',
  }),
  authCacheTtlMs: integer(300_000, {
    unit: 'ms',
    doc: 'Time that an authenticated key is remembered.',
    failure: 'Too long: on other routers a removed key goes on working as long. 0: the store is asked for every call.',
    whom: 'Operators who revoke keys often.',
  }),
  authCacheEntries: integer(10_000, {
    min: 1,
    doc: 'Keys that are remembered at once.',
    failure: 'Fewer than active keys: store reads on the request path.',
    whom: 'Operators with more users.',
  }),
  actionCacheEntries: integer(20_000, {
    min: 1,
    doc: 'Actions that are remembered at once, without their code.',
    failure: 'Fewer than active actions: store reads on the request path.',
    whom: 'Operators with more actions.',
  }),
  rateWindow: choice(['sliding', 'fixed'], 'sliding', {
    doc: 'How calls in a minute are counted: over the last 60 s, or from each full minute as OpenWhisk does.',
    failure: '`fixed` lets twice the limit through around a full minute.',
    whom: 'Whoever needs OpenWhisk’s exact behaviour: fixed.',
  }),
  rateLimitHeaders: flag(true, {
    doc: 'Tells callers of actions, triggers and web actions what they may still do, by the headers `RateLimit-Policy` and `RateLimit`.',
    failure: 'With it, whoever may call a web action sees how busy its owner is.',
    whom: 'Operators of public web actions who want to keep that to themselves: false.',
  }),
}

export const journal = {
  maxEntries: integer(100_000, {
    min: 1,
    doc: 'Accepted non-blocking calls and fires that are not finished, at most. One namespace alone gets four fifths, and several get equal parts.',
    failure: 'More are refused with 503 and Retry-After.',
    whom: 'Operators with larger bursts.',
  }),
  maxBytes: integer(268_435_456, {
    unit: 'bytes',
    min: 1024,
    doc: 'Size of all accepted non-blocking work that is not finished.',
    constraint: 'at least `limits.payloadBytes`',
    failure: 'More is refused with 503 and Retry-After.',
    whom: 'Operators with larger bursts and disks.',
  }),
  deadlineMs: integer(3_600_000, {
    unit: 'ms',
    min: 1000,
    doc: 'Time after which accepted work that never started is closed with an error record.',
    failure: 'Too short: work is dropped in long overloads. Too long: it runs when nobody cares any more.',
    whom: 'Nobody by default.',
  }),
  dispatchers: integer(64, {
    min: 1,
    max: 10_000,
    doc: 'Journalled calls that are worked on at once. Namespaces take turns; one alone gets four fifths of them, and several get equal parts.',
    failure: 'Too high: background work crowds out calls that somebody waits for.',
    whom: 'Operators with mostly non-blocking work: higher.',
  }),
  synchronous: choice(['full', 'normal'], 'full', {
    doc: 'What 202 promises: `full`, on the disk; `normal`, safe when the process dies, though the last moments may be lost with the power.',
    failure: '`full` is slow on disks that are slow to flush.',
    whom: 'Developers, and operators of disks with slow flushes.',
  }),
}

export const activations = {
  storeBlocking: choice(STORAGE_LEVELS, 'always', {
    doc: 'Which records of calls that somebody waits for are kept: all, those that failed, or those that failed by other than the action’s own `error`. `X-OW-EXTRA-LOGGING: on` keeps that of one call.',
    failure: 'Records of successful calls are not found: GET answers 404 for the id that the caller was given.',
    whom: 'Operators with very many calls of which nobody looks at the records: failures.',
  }),
  storeNonBlocking: choice(STORAGE_LEVELS, 'always', {
    doc: 'The same for calls that nobody waits for, those of rules included, and for fires of triggers.',
    failure: 'Callers have no other way to the result than the record.',
    whom: 'Nobody by default.',
  }),
  retentionMs: integer(7 * DAY_MS, {
    unit: 'ms',
    min: 1000,
    max: 36_500 * DAY_MS,
    doc: 'Age at which activation records are removed.',
    failure: 'Too long: the disk fills.',
    whom: 'Operators with rules about keeping data.',
  }),
  retentionCount: integer(1_000_000, {
    min: 1,
    doc: 'Records that are kept, the newest ones.',
    failure: 'Too many: the disk fills.',
    whom: 'Operators with larger disks.',
  }),
  flushIntervalMs: integer(50, {
    unit: 'ms',
    max: 10_000,
    doc: 'Time that records are collected before they are stored together. They can be read meanwhile, and a file that is written ahead keeps them over the end of the process.',
    failure:
      'Too short: small transactions take processor time from calls. Too long: more memory, and larger transactions.',
    whom: 'Nobody by default.',
  }),
  maxPendingBytes: integer(67_108_864, {
    unit: 'bytes',
    min: 1024,
    doc: 'Size of the records that wait to be written; when it is reached new calls are refused.',
    failure: 'Calls are refused with 503 while the store is down.',
    whom: 'Operators with a store that is sometimes away.',
  }),
}

export const collector = {
  provider: choice(['compact', 'lru'], 'compact', {
    doc: 'What is removed when room is needed: `compact` empties whole nodes, `lru` takes the container that was not used for longest.',
    failure: '`lru` leaves many nodes half full.',
    whom: 'Nobody by default.',
  }),
  intervalMs: integer(1000, {
    unit: 'ms',
    min: 10,
    doc: 'Time between two looks at idle containers.',
    failure: 'Too long: idle containers outlive their time.',
    whom: 'Nobody by default.',
  }),
  markGraceMs: integer(1000, {
    unit: 'ms',
    doc: 'Time that routers have to let go of a container that is to be removed.',
    failure: 'Too short: routers on slow lines send requests to a container that goes away.',
    whom: 'Operators of large or slow networks.',
  }),
  onMarkedUse: choice(['unmark', 'recycle'], 'unmark', {
    doc: 'What happens to a container that was to be removed and got a request meanwhile: it stays, or is removed after the request.',
    failure: '`recycle` costs a cold start soon after.',
    whom: 'Nobody by default.',
  }),
}

export const placement = {
  strategy: choice(['least-loaded', 'bin-pack', 'spread'], 'least-loaded', {
    doc: 'Node of a new container: the least loaded, the fullest that has room, or the one with the fewest of the same action.',
    failure: '`bin-pack` makes neighbours noisy; the others keep all nodes partly used.',
    whom: 'Operators of clusters that scale down: bin-pack.',
  }),
}
