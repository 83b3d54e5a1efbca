import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionFixture, runRequestFixture } from '../../test/action-fixture.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { ControlPlane, Demand, PoolEvent, PoolEventBody, RouterId } from '../control/pool-protocol.ts'
import type { ContainerId } from '../model/ids.ts'
import { EMPTY_LOG } from '../proxy/activation-log.ts'
import type { FinishedRun, RunRequest, RunResult } from '../proxy/run-request.ts'
import { createDispatcher } from './dispatch.ts'
import type { Dispatcher, Unrun } from './dispatch.ts'
import type { Parking } from './parking.ts'
import { createParking } from './parking.ts'
import type { ResolvedAction } from './resolved-action.ts'
import { createRoutingTable } from './routing-table.ts'

interface Sent {
  readonly container: string
  readonly request: RunRequest
  /** The run has succeeded; it took `serviceMs` by the runtime's account, 1 by default. */
  finish(serviceMs?: number): void
  answer(result: RunResult): void
}

/** A router with a control plane and containers that do what the test says. */
function bench(options: { maxParked?: number; maxParkedPerAction?: number } = {}) {
  const clock = virtualClock()
  const table = createRoutingTable()
  const sent: Sent[] = []
  const demands: Demand[] = []
  const acknowledged: [string, number][] = []
  const used: string[] = []
  let listener: ((event: PoolEvent) => void) | undefined
  let sequence = 0
  const control: Pick<ControlPlane, 'join' | 'demand' | 'acknowledgeMark' | 'usedWhileMarked'> = {
    join(_router, listen) {
      listener = listen
      return { snapshot: { epoch: 1, sequence, containers: [] }, leave: () => undefined }
    },
    demand: (demand) => demands.push(demand),
    acknowledgeMark: (_router, id, inFlight) => acknowledged.push([id, inFlight]),
    usedWhileMarked: (_router, id) => used.push(id),
  }
  const parking: Parking = createParking({
    clock,
    timers: clock,
    maxParked: options.maxParked ?? 100,
    maxParkedPerAction: options.maxParkedPerAction ?? 100,
    onChange: (key, parked) => dispatcher.demand(key, parked),
    nextTurn: queueMicrotask,
  })
  const gone = new Set<string>()
  const dispatcher: Dispatcher = createDispatcher({
    router: 'r' as RouterId,
    table,
    parking,
    control,
    parallelism: 8,
    busyPoll: { sent: () => undefined, answered: () => undefined },
    clock,
    timers: clock,
    endpointOf: (id) => ({
      queueLimit: 2,
      submit(request, done) {
        const item: Sent = {
          container: id,
          request,
          finish: (serviceMs) => item.answer(finishedRun(serviceMs)),
          answer(result) {
            sent.splice(sent.indexOf(item), 1)
            done(result)
          },
        }
        sent.push(item)
        if (gone.has(id)) item.answer({ type: 'notStarted', reason: 'gone' })
      },
    }),
  })
  function finishedRun(serviceMs = 1): FinishedRun {
    return {
      type: 'finished',
      outcome: { statusCode: 0, resultJson: '{}' },
      start: 'warm',
      startedAt: clock.now(),
      endedAt: clock.now(),
      beganAt: clock.monotonic(),
      initMs: undefined,
      runMs: 1,
      serviceMs,
      timedOut: false,
      log: EMPTY_LOG,
    }
  }
  dispatcher.start()
  return {
    clock,
    dispatcher,
    parking,
    sent,
    demands,
    acknowledged,
    used,
    gone,
    emit: (body: PoolEventBody, skip = 0) => {
      sequence += 1 + skip
      listener?.({ ...body, epoch: 1, sequence })
    },
    ready(id: string, action: ResolvedAction) {
      const container = { id: id as ContainerId, actionKey: action.key, node: 'n', start: 'cold' as const }
      this.emit({ type: 'containerReady', container: { ...container, concurrency: action.program.concurrency } })
    },
    run(action: ResolvedAction, deadlineMs = 60_000) {
      const holder: { result: FinishedRun | Unrun | undefined; withdraw: () => void } = {
        result: undefined,
        withdraw: () => undefined,
      }
      void dispatcher
        .run(action, runRequestFixture(action), clock.monotonic() + deadlineMs, {
          onWait: (withdraw) => {
            holder.withdraw = withdraw
          },
        })
        .then((result) => {
          holder.result = result
        })
      return holder
    },
    turn: () => clock.advance(0),
  }
}

test('S4-45: parked requests are served in their order, one container wakes exactly one', async () => {
  const on = bench()
  const action = actionFixture()
  const calls = [on.run(action), on.run(action), on.run(action)]
  await on.turn()
  assert.equal(on.demands.at(-1)?.parked, 3)
  on.ready('a', action)
  await on.turn()
  for (const call of calls) {
    assert.equal(on.sent.length, 1)
    on.sent[0]?.finish()
    await on.turn()
    assert.equal(call.result?.type, 'finished')
  }
})

test('S4-26: two hundred calls at once are one demand, and none is left when they have been served', async () => {
  const on = bench({ maxParked: 250, maxParkedPerAction: 200 })
  const action = actionFixture()
  const calls = Array.from({ length: 200 }, () => on.run(action))
  await on.turn()
  assert.deepEqual(
    on.demands.map(({ parked }) => parked),
    [200],
  )
  on.ready('a', action)
  while (on.sent.length > 0 || on.parking.length > 0) {
    on.sent[0]?.finish()
    await on.turn()
  }
  assert.ok(calls.every(({ result }) => result?.type === 'finished'))
  assert.equal(on.demands.at(-1)?.parked, 0)
})

test('S4-44: a request that waited to its deadline, or whose caller has gone, leaves the queue', async () => {
  const on = bench()
  const action = actionFixture()
  const [late, left] = [on.run(action, 500), on.run(action)]
  await on.turn()
  left.withdraw()
  await on.clock.advance(700)
  assert.deepEqual([late.result, left.result], [{ type: 'deadline' }, { type: 'withdrawn' }])
  assert.equal(on.parking.length, 0)
  assert.equal(on.demands.at(-1)?.parked, 0)
})

test('the waiting room is bounded: 503 with Retry-After', async () => {
  const on = bench({ maxParked: 1 })
  on.run(actionFixture())
  await on.turn()
  await assert.rejects(on.dispatcher.run(actionFixture(), runRequestFixture(), 1000), {
    status: 503,
    options: { retryAfterSeconds: 1 },
  })
})

test('S4-48: a marked container gets nothing new and is acknowledged at once, and again when it is empty', async () => {
  const on = bench()
  const action = actionFixture()
  on.ready('a', action)
  on.run(action)
  await on.turn()
  on.emit({ type: 'containerMarked', id: 'a' as ContainerId, sweepAt: 0 })
  assert.deepEqual(on.acknowledged, [['a', 1]])
  on.run(action)
  await on.turn()
  assert.equal(on.sent.length, 1)
  on.sent[0]?.finish()
  assert.deepEqual(on.acknowledged, [
    ['a', 1],
    ['a', 0],
  ])
  await on.turn()
  assert.equal(on.parking.length, 1)
  on.emit({ type: 'containerUnmarked', id: 'a' as ContainerId })
  await on.turn()
  assert.equal(on.sent.length, 1)
})

test('a request whose container went away before it began runs in the next one', async () => {
  const on = bench()
  const action = actionFixture()
  on.gone.add('a')
  on.ready('a', action)
  const call = on.run(action)
  await on.turn()
  assert.equal(on.parking.length, 1)
  on.ready('b', action)
  await on.turn()
  on.sent[0]?.finish()
  await on.turn()
  assert.equal(call.result?.type, 'finished')
})

test('S4-84: after busy the container is left alone for its Retry-After, then tried again', async () => {
  const on = bench()
  const action = actionFixture()
  on.ready('a', action)
  const call = on.run(action)
  await on.turn()
  on.sent[0]?.answer({ type: 'busy', retryAfterMs: 200, queued: 0 })
  await on.clock.advance(199)
  assert.equal(on.sent.length, 0)
  await on.clock.advance(2)
  assert.equal(on.sent.length, 1)
  on.sent[0]?.finish()
  await on.turn()
  assert.equal(call.result?.type, 'finished')
})

test('S4-72: a short run is waited for at the busy container, a long one is not', async () => {
  const on = bench()
  const action = actionFixture()
  on.ready('a', action)
  on.run(action)
  await on.turn()
  on.sent[0]?.finish()
  await on.turn()
  on.run(action)
  on.run(action)
  await on.turn()
  assert.equal(on.sent.length, 2, "the second waits in the container's overflow buffer")
  assert.equal(on.dispatcher.counters.overflowed, 1)
})

test('a failed start ends the waiting with its message; one that is tried again does not', async () => {
  const on = bench()
  const action = actionFixture()
  const call = on.run(action)
  await on.turn()
  const failed = { type: 'demandFailed', actionKey: action.key, failure: 'startFailed', message: 'no' } as const
  on.emit({ ...failed, retry: true })
  await on.turn()
  assert.equal(call.result, undefined)
  on.emit({ ...failed, retry: false })
  await on.turn()
  assert.deepEqual(call.result, { type: 'failed', failure: 'startFailed', message: 'no' })
})

test('S4-23: a gap in the sequence of events leads to a new snapshot', async () => {
  const on = bench()
  const action = actionFixture()
  on.ready('a', action)
  on.emit({ type: 'containerGone', id: 'x' as ContainerId, reason: '' }, 3)
  assert.equal(on.dispatcher.counters.resyncs, 1)
})

test('every request ends exactly once, and none is sent to a container after its mark was acknowledged (property)', async () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.constant('run') },
    { weight: 4, arbitrary: fc.constant('ready') },
    { weight: 6, arbitrary: fc.constant('finish') },
    { weight: 2, arbitrary: fc.constantFrom('mark', 'unmark', 'gone', 'busy', 'notStarted', 'advance', 'withdraw') },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const on = bench()
      const action = actionFixture()
      const calls: ReturnType<typeof on.run>[] = []
      const marked = new Set<string>()
      let made = 0
      for (const name of events) {
        const someone = `c${made === 0 ? 0 : (events.length * 7) % made}` as ContainerId
        if (name === 'run') calls.push(on.run(action, 5000))
        else if (name === 'ready') on.ready(`c${made++}`, action)
        else if (name === 'finish') on.sent[0]?.finish()
        else if (name === 'busy') on.sent[0]?.answer({ type: 'busy', retryAfterMs: 10, queued: 0 })
        else if (name === 'notStarted') on.sent[0]?.answer({ type: 'notStarted', reason: '' })
        else if (name === 'advance') await on.clock.advance(50)
        else if (name === 'withdraw') calls.at(-1)?.withdraw()
        else if (made === 0) continue
        else if (name === 'mark') {
          marked.add(someone)
          on.emit({ type: 'containerMarked', id: someone, sweepAt: 0 })
        } else if (name === 'unmark') {
          marked.delete(someone)
          on.emit({ type: 'containerUnmarked', id: someone })
        } else on.emit({ type: 'containerGone', id: someone, reason: '' })
        const before = new Set(on.sent)
        await on.turn()
        for (const item of on.sent) assert.ok(before.has(item) || !marked.has(item.container))
      }
      for (let round = 0; round < 200 && (on.sent.length > 0 || on.parking.length > 0); round++) {
        on.sent[0]?.finish()
        await on.clock.advance(100)
      }
      for (const { result } of calls) assert.notEqual(result, undefined)
      assert.equal(on.parking.length, 0)
    }),
    { numRuns: 100 },
  )
})

test('S4-72: runs that are short by their runtime’s account are kept in as few containers as there are processors, others are spread', async () => {
  for (const [serviceMs, containers] of [
    [0.1, 8],
    [1, 10],
  ] as const) {
    const on = bench()
    const action = actionFixture()
    for (let index = 0; index < 9; index++) on.run(action)
    await on.clock.advance(100)
    for (let index = 0; index < 12; index++) on.ready(`c${index}`, action)
    await on.turn()
    assert.equal(on.sent.length, 9)
    on.sent[0]?.finish(serviceMs)
    await on.turn()
    // Eight are busy and four containers idle.
    on.run(action)
    on.run(action)
    await on.turn()
    assert.equal(new Set(on.sent.map(({ container }) => container)).size, containers, `${serviceMs} ms`)
  }
})

test('S4-49: a request that goes to a container whose mark came after its reservation is told to the control plane', async () => {
  const on = bench()
  const action = actionFixture()
  on.ready('a', action)
  const mark = Promise.withResolvers<void>()
  const result = on.dispatcher.run(action, runRequestFixture(action), 60_000, { onReserved: () => mark.promise })
  on.emit({ type: 'containerMarked', id: 'a' as ContainerId, sweepAt: 0 })
  assert.deepEqual(on.acknowledged, [['a', 1]])
  mark.resolve()
  await on.turn()
  assert.deepEqual(on.used, ['a'])
  on.sent[0]?.finish()
  assert.equal((await result).type, 'finished')
})
