import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionFixture, runRequestFixture } from '../../test/action-fixture.ts'
import type { ScriptedContainer } from '../../test/scripted-container.ts'
import { scriptedContainer } from '../../test/scripted-container.ts'
import type { VirtualClock } from '../../test/virtual-clock.ts'
import { virtualClock } from '../../test/virtual-clock.ts'
import type { ContainerProxy } from './container-proxy.ts'
import type { ProxyCounters } from './proxy-counters.ts'
import { createContainerProxy } from './container-proxy.ts'
import { newProxyCounters } from './proxy-counters.ts'
import type { FinishedRun, RunRequest, RunResult } from './run-request.ts'

interface Bench {
  readonly clock: VirtualClock
  readonly container: ScriptedContainer
  readonly proxy: ContainerProxy
  readonly counters: ProxyCounters
  readonly discards: string[]
  submit(request?: RunRequest): { result: RunResult | undefined }
  /** Lets pending promises run. */
  turn(): Promise<void>
}

function bench(
  options: {
    concurrent?: boolean
    pipelined?: boolean
    initialised?: boolean
    pauseGraceMs?: number
    overflowFactor?: number
  } = {},
): Bench {
  const clock = virtualClock()
  const container = scriptedContainer(options.concurrent, options.pipelined, options.initialised)
  const discards: string[] = []
  const counters = newProxyCounters()
  const proxy = createContainerProxy(container, 'cold', {
    clock,
    timers: clock,
    settings: {
      pauseGraceMs: options.pauseGraceMs,
      overflowFactor: options.overflowFactor ?? 2,
      overflow: { maxBytes: 1000, maxWaitMs: 1000 },
    },
    discard: (reason) => discards.push(reason),
    counters,
  })
  return {
    clock,
    container,
    proxy,
    counters,
    discards,
    submit(request = runRequestFixture()) {
      const holder: { result: RunResult | undefined } = { result: undefined }
      proxy.submit(request, (result) => {
        assert.equal(holder.result, undefined, 'called back twice')
        holder.result = result
      })
      return holder
    },
    turn: () => clock.advance(0),
  }
}

function finished(holder: { result: RunResult | undefined }): FinishedRun {
  assert.equal(holder.result?.type, 'finished')
  return holder.result
}

function kindOf(holder: { result: RunResult | undefined }): RunResult['type'] | undefined {
  return holder.result?.type
}

function logOf(run: FinishedRun): string[] {
  let lines: string[] = []
  run.log.whenComplete((json) => {
    lines = JSON.parse(json)
  })
  return lines
}

/** Answers the init and the first run of a fresh container. */
async function warm(on: Bench, action = actionFixture()): Promise<FinishedRun> {
  const holder = on.submit(runRequestFixture(action))
  await on.turn()
  on.container.pending[0]?.answer('{"ok":true}')
  on.container.pending[0]?.answer('{"x":1}')
  return finished(holder)
}

test('S4-74: a fresh container is initialised once, then runs; the first run says cold and has an init time', async () => {
  const on = bench()
  const first = await warm(on)
  assert.equal(first.start, 'cold')
  assert.notEqual(first.initMs, undefined)
  assert.deepEqual(first.outcome, { statusCode: 0, resultJson: '{"x":1}', size: 7 })
  const second = on.submit()
  assert.equal(on.container.pending[0]?.kind, 'run')
  on.container.pending[0]?.answer('{"y":2}')
  assert.equal(finished(second).start, 'warm')
  assert.equal(finished(second).initMs, undefined)
  assert.equal(on.counters.inits, 1)
})

test('the init message has code, entry point and the environment of the contract (runtimes 1.2, 1.4)', async () => {
  const on = bench()
  const request = { ...runRequestFixture(), initEnvironment: { A: '1' }, apiKey: 'u:k' }
  on.submit(request)
  await on.turn()
  const { value } = JSON.parse(on.container.pending[0]?.message ?? '{}')
  assert.deepEqual(
    { ...value, env: { ...value.env, __OW_DEADLINE: 'a deadline' } },
    {
      name: 'hello',
      main: 'main',
      binary: false,
      code: 'code',
      env: {
        A: '1',
        __OW_ACTION_NAME: '/guest/hello',
        __OW_ACTION_VERSION: '0.0.1',
        __OW_NAMESPACE: 'guest',
        __OW_ACTIVATION_ID: request.activationId,
        __OW_TRANSACTION_ID: 'tid',
        __OW_DEADLINE: 'a deadline',
        __OW_API_KEY: 'u:k',
      },
    },
  )
})

test('S4-52: one run at a time; S4-71: two more wait in order; the next is told to come back', async () => {
  const on = bench()
  await warm(on)
  const [running, firstWaiting, secondWaiting, refused] = [on.submit(), on.submit(), on.submit(), on.submit()]
  assert.equal(on.container.pending.length, 1)
  assert.equal(refused.result?.type, 'busy')
  for (const holder of [running, firstWaiting, secondWaiting]) {
    assert.equal(on.container.pending.length, 1)
    on.container.pending[0]?.answer('{}')
    assert.equal(finished(holder).outcome.statusCode, 0)
  }
})

test('S4-71: who waited too long in the overflow buffer is told to come back, and may', async () => {
  const on = bench()
  await warm(on)
  on.submit()
  const waiting = on.submit()
  await on.clock.advance(1001)
  assert.equal(waiting.result?.type, 'busy')
})

test('S4-85: Retry-After follows the service times that were seen', async () => {
  const on = bench()
  await warm(on)
  for (let index = 0; index < 10; index++) {
    on.submit()
    await on.clock.advance(100)
    on.container.pending[0]?.answer('{}')
  }
  on.submit()
  on.submit()
  on.submit()
  const refused = on.submit()
  assert.equal(refused.result?.type, 'busy')
  // One runs and two wait, each for about 100 ms.
  assert.ok(refused.result.retryAfterMs > 240 && refused.result.retryAfterMs < 360, `${refused.result.retryAfterMs} ms`)
})

test('S4-60: a runtime that overlaps runs gets as many as the action allows', async () => {
  const on = bench({ concurrent: true })
  const action = actionFixture({ limits: { timeoutMs: 60_000, memoryMb: 256, logsMb: 10, concurrency: 3 } })
  const first = on.submit(runRequestFixture(action))
  const others = [1, 2, 3].map(() => on.submit(runRequestFixture(action)))
  await on.turn()
  assert.equal(on.container.pending.length, 1, 'nothing runs beside the init')
  on.container.pending[0]?.answer('{"ok":true,"concurrent":true}')
  assert.equal(on.container.pending.length, 3)
  while (on.container.pending.length > 0) on.container.pending[0]?.answer('{}')
  for (const holder of [first, ...others]) assert.equal(finished(holder).outcome.statusCode, 0)
})

test('runtimes 1.6: outcomes of init and run, word for word, and whether the container is kept', async () => {
  const rows: readonly [phase: 'init' | 'run', status: number, body: string, code: number, result: unknown][] = [
    ['init', 502, '{"error":"bad code"}', 2, { error: 'bad code' }],
    ['init', 502, 'oops', 2, { error: 'The action failed during initialization: oops' }],
    ['init', 500, '', 2, { error: 'The action failed during initialization.' }],
    ['run', 200, '{"a":1}', 0, { a: 1 }],
    ['run', 200, '[1,2]', 0, [1, 2]],
    ['run', 200, '{"error":"e","other":1}', 1, { error: 'e' }],
    ['run', 200, '{"error":null}', 1, { error: null }],
    ['run', 200, '3', 2, { error: 'The action did not produce a valid JSON or JSON Array response: 3' }],
    ['run', 200, 'null', 2, { error: 'The action did not produce a valid JSON or JSON Array response: null' }],
    ['run', 200, '', 2, { error: 'The action did not produce a valid JSON or JSON Array response.' }],
    ['run', 502, '{"error":"An error has occurred: x"}', 2, { error: 'An error has occurred: x' }],
    ['run', 502, 'gone', 2, { error: 'The action did not produce a valid JSON or JSON Array response: gone' }],
  ]
  for (const [phase, status, body, code, result] of rows) {
    const on = bench()
    const holder = on.submit()
    await on.turn()
    if (phase === 'run') on.container.pending[0]?.answer('{"ok":true}')
    on.container.pending[0]?.answer(body, status)
    const run = finished(holder)
    assert.deepEqual([run.outcome.statusCode, JSON.parse(run.outcome.resultJson)], [code, result])
    assert.equal(on.discards.length, code >= 2 ? 1 : 0, `${body} decides whether the container is kept`)
    const last = logOf(run).at(-1) ?? ''
    assert.equal(
      last.endsWith('stderr: The action did not initialize or run as expected. Log data might be missing.'),
      code >= 2,
    )
  }
})

test('8.7: the log of a run whose container never stops printing says that it may lack something', async () => {
  const on = bench()
  const holder = on.submit()
  await on.turn()
  on.container.pending[0]?.answer('{"ok":true}')
  on.container.output.listener('stdout', Buffer.from('begun\n'), undefined)
  on.container.printsOn = true
  on.container.pending[0]?.answer('{}')
  const [first, last, ...more] = logOf(finished(holder))
  assert.match(first ?? '', /stdout: begun$/)
  assert.match(last ?? '', /stderr: There was an issue while collecting your logs\. Data might be missing\.$/)
  assert.deepEqual(more, [])
})

test('a result over the limit is an application error with its beginning (spec 4.11)', async () => {
  const on = bench()
  await warm(on)
  const holder = on.submit({ ...runRequestFixture(), resultLimitBytes: 10, truncationBytes: 4 })
  on.container.pending[0]?.answer('{"a":"0123456789"}')
  const { outcome } = finished(holder)
  assert.equal(outcome.statusCode, 1)
  assert.deepEqual(JSON.parse(outcome.resultJson), {
    error:
      'The action produced a response that exceeded the allowed length: 18 > 10 bytes. The truncated response was: {"a"',
  })
})

test('init and run each get the whole time limit; reaching it is a developer error and ends the container (spec 4.11)', async () => {
  const limits = { timeoutMs: 1000, memoryMb: 256, logsMb: 10, concurrency: 1 }
  const inRun = bench()
  const run = inRun.submit(runRequestFixture(actionFixture({ limits })))
  await inRun.clock.advance(900)
  inRun.container.pending[0]?.answer('{"ok":true}')
  await inRun.clock.advance(900)
  assert.equal(run.result, undefined)
  await inRun.clock.advance(200)
  assert.equal(finished(run).timedOut, true)
  assert.deepEqual(JSON.parse(finished(run).outcome.resultJson), {
    error: 'The action exceeded its time limits of 1000 milliseconds.',
  })
  assert.equal(inRun.discards.length, 1)

  const inInit = bench()
  const init = inInit.submit(runRequestFixture(actionFixture({ limits })))
  await inInit.clock.advance(1000)
  assert.equal(finished(init).timedOut, true)
  assert.deepEqual(JSON.parse(finished(init).outcome.resultJson), {
    error: 'The action exceeded its time limits of 1000 milliseconds during initialization.',
  })
})

test('a container that goes away: crash and memory exhaustion in init and run have their texts (runtimes 1.6)', async () => {
  const rows = [
    ['init', 'exited', 'The action did not initialize and exited unexpectedly.'],
    ['init', 'outOfMemory', 'The action exhausted its memory and was aborted.'],
    ['run', 'exited', 'The action did not produce a valid response and exited unexpectedly.'],
    ['run', 'outOfMemory', 'The action exhausted its memory and was aborted.'],
  ] as const
  for (const [phase, cause, text] of rows) {
    const on = bench()
    const holder = on.submit()
    await on.turn()
    if (phase === 'run') on.container.pending[0]?.answer('{"ok":true}')
    on.container.pending[0]?.reply({ type: 'lost' })
    on.container.end(cause === 'exited' ? { cause, code: 1 } : { cause })
    await on.turn()
    assert.deepEqual(JSON.parse(finished(holder).outcome.resultJson), { error: text })
  }
})

test('S2-12: suspended after the grace with nothing in flight, once; thawed for the next run', async () => {
  const on = bench({ pauseGraceMs: 10_000 })
  await warm(on)
  await on.clock.advance(9000)
  on.submit()
  on.container.pending[0]?.answer('{}')
  await on.clock.advance(9000)
  assert.deepEqual(on.container.calls, [])
  await on.clock.advance(1001)
  assert.deepEqual(on.container.calls, ['suspend'])
  await on.clock.advance(60_000)
  assert.deepEqual(on.container.calls, ['suspend'])
  const thawed = on.submit()
  assert.deepEqual(on.container.calls, ['suspend', 'resume'])
  on.container.pending[0]?.answer('{}')
  assert.equal(finished(thawed).start, 'thawed')
})

test('S2-17: a failed pause never costs the container; a failed resume gives the run back', async () => {
  const on = bench({ pauseGraceMs: 100 })
  on.container.failSuspend = true
  await warm(on)
  await on.clock.advance(1000)
  const holder = on.submit()
  on.container.pending[0]?.answer('{}')
  assert.equal(finished(holder).start, 'warm')
  on.container.failSuspend = false
  on.container.failResume = true
  await on.clock.advance(1000)
  const lost = on.submit()
  assert.equal(lost.result?.type, 'notStarted')
  assert.equal(on.discards.length, 1)
})

test('a runtime that answers 503 has not run: the request is given back (spec 4.11)', async () => {
  const on = bench()
  await warm(on)
  const holder = on.submit()
  on.container.pending[0]?.answer('', 503)
  assert.equal(holder.result?.type, 'notStarted')
  assert.equal(on.submit().result?.type, 'notStarted')
})

test('a warm runtime that nothing reaches has not run: the request is given back', async () => {
  const on = bench()
  await warm(on)
  const holder = on.submit()
  on.container.pending[0]?.reply({ type: 'lost', reached: false })
  assert.equal(holder.result?.type, 'notStarted')
  assert.equal(on.discards.length, 1)
})

test('a new container that refuses its first run is not tried again elsewhere, and again', async () => {
  for (const refusal of ['503', 'unreachable']) {
    const on = bench()
    const holder = on.submit()
    await on.turn()
    on.container.pending[0]?.answer('{"ok":true}')
    if (refusal === '503') on.container.pending[0]?.answer('{"error":"not now"}', 503)
    else on.container.pending[0]?.reply({ type: 'lost', reached: false })
    on.container.end({ cause: 'destroyed' })
    await on.turn()
    assert.equal(finished(holder).outcome.statusCode, 2, refusal)
    assert.equal(on.discards.length, 1)
  }
})

test('a container that was adopted with its action in it is warm, and suspended when it idles', async () => {
  const on = bench({ initialised: true, pauseGraceMs: 1000 })
  const holder = on.submit()
  await on.turn()
  assert.deepEqual(
    on.container.pending.map(({ kind }) => kind),
    ['run'],
  )
  on.container.pending[0]?.answer('{}')
  assert.equal(finished(holder).start, 'warm')
  const idle = bench({ initialised: true, pauseGraceMs: 1000 })
  await idle.clock.advance(1000)
  assert.deepEqual(idle.container.calls, ['suspend'])
})

test('what waited for a failed init gets the same failure (execution engine C.4)', async () => {
  const on = bench({ concurrent: true })
  const action = actionFixture({ limits: { timeoutMs: 60_000, memoryMb: 256, logsMb: 10, concurrency: 2 } })
  const [first, second] = [on.submit(runRequestFixture(action)), on.submit(runRequestFixture(action))]
  await on.turn()
  on.container.pending[0]?.answer('{"error":"no"}', 502)
  assert.deepEqual(finished(first).outcome, finished(second).outcome)
})

test('every request is answered exactly once and at most the allowed number overlap, whatever happens (property)', async () => {
  const event = fc.oneof(
    { weight: 5, arbitrary: fc.constant('submit') },
    { weight: 5, arbitrary: fc.constant('answer') },
    { weight: 1, arbitrary: fc.constantFrom('fail', 'lose', 'advance', 'end') },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (events, concurrency) => {
        const on = bench({ concurrent: concurrency > 1, pipelined: concurrency === 1, pauseGraceMs: 500 })
        const action = actionFixture({ limits: { timeoutMs: 1000, memoryMb: 256, logsMb: 10, concurrency } })
        const holders: { result: RunResult | undefined }[] = []
        for (const name of events) {
          if (name === 'submit') holders.push(on.submit(runRequestFixture(action)))
          else if (name === 'answer') on.container.pending[0]?.answer('{}')
          else if (name === 'fail') on.container.pending[0]?.answer('x', 502)
          else if (name === 'lose') on.container.pending[0]?.reply({ type: 'lost' })
          else if (name === 'end') on.container.end({ cause: 'exited', code: 1 })
          else await on.clock.advance(700)
          await on.turn()
          if (concurrency > 1) assert.ok(on.container.pending.length <= concurrency)
        }
        await on.clock.advance(10_000)
        // What discards a container ends it, and with it its line.
        if (on.discards.length > 0) for (const exchange of [...on.container.pending]) exchange.reply({ type: 'lost' })
        await on.clock.advance(10_000)
        for (const { result } of holders) assert.notEqual(result, undefined)
        assert.ok(on.discards.length <= 1)
      },
    ),
    { numRuns: 200 },
  )
})

/** A warm container whose runtime takes runs ahead of their turn, and whose runs are short. */
async function pipelinedBench(action = actionFixture()): Promise<Bench> {
  const on = bench({ pipelined: true })
  await warm(on, action)
  return on
}

test('short runs are sent ahead of their turn; each is timed from the answer before it', async () => {
  const on = await pipelinedBench()
  const holders = [1, 2, 3, 4].map(() => on.submit())
  assert.equal(on.container.pending.length, 4)
  for (const holder of holders) {
    await on.clock.advance(20)
    on.container.pending[0]?.answer('{}')
    assert.ok(Math.abs(finished(holder).runMs - 20) < 1, `${finished(holder).runMs} ms`)
  }
  // Runs have turned out to be long: nothing is sent ahead any more.
  on.submit()
  on.submit()
  assert.equal(on.container.pending.length, 1)
})

test('S4-72: runs that are short by the account of their runtime are sent ahead however long they take to look at from here', async () => {
  const on = await pipelinedBench()
  const runs = [1, 2, 3].map(() => on.submit())
  for (const run of runs) {
    await on.clock.advance(20)
    on.container.pending[0]?.reply({ type: 'answer', status: 200, body: Buffer.from('{}'), tookMs: 0.1 })
    const { runMs, serviceMs } = finished(run)
    assert.ok(Math.abs(runMs - 20) < 1, `${runMs} ms`)
    assert.equal(serviceMs, 0.1)
  }
  on.submit()
  on.submit()
  assert.equal(on.container.pending.length, 2)
  // It says that it took longer than it can have taken.
  const liar = on.submit()
  for (let left = 3; left > 0; left--) {
    on.container.pending[0]?.reply({ type: 'answer', status: 200, body: Buffer.from('{}'), tookMs: 1e9 })
  }
  assert.ok(finished(liar).serviceMs < 1)
})

test('what was sent ahead of a container that went away has not begun, and is given back', async () => {
  const on = await pipelinedBench()
  const [running, ahead] = [on.submit(), on.submit()]
  const [first, second] = [...on.container.pending]
  first?.reply({ type: 'lost' })
  second?.reply({ type: 'lost' })
  on.container.end({ cause: 'exited', code: 1 })
  await on.turn()
  assert.equal(finished(running).outcome.statusCode, 2)
  assert.equal(ahead.result?.type, 'notStarted')
})

test('a run that reaches its limit takes what was sent behind it with it: the container ends, and that is given back', async () => {
  const action = actionFixture({ limits: { timeoutMs: 1000, memoryMb: 256, logsMb: 10, concurrency: 1 } })
  const on = await pipelinedBench(action)
  const stuck = on.submit(runRequestFixture(action))
  const ahead = on.submit(runRequestFixture(action))
  await on.clock.advance(1001)
  assert.equal(finished(stuck).timedOut, true)
  assert.equal(ahead.result?.type, undefined, 'nobody runs it elsewhere while it may still begin here')
  assert.equal(on.discards.length, 1)
  for (const exchange of [...on.container.pending]) exchange.reply({ type: 'lost' })
  await on.turn()
  assert.equal(kindOf(ahead), 'notStarted')
})

test('after a developer error what was sent ahead goes on, unless the runtime says that it has not run it', async () => {
  const on = await pipelinedBench()
  const [failing, good, refused] = [on.submit(), on.submit(), on.submit()]
  on.container.pending[0]?.answer('{"error":"x"}', 502)
  on.container.pending[0]?.answer('{}')
  on.container.pending[0]?.answer('{"error":"The action has stopped."}', 503)
  assert.deepEqual([finished(failing).outcome.statusCode, finished(good).outcome.statusCode], [2, 0])
  assert.equal(refused.result?.type, 'notStarted')
  assert.equal(on.discards.length, 1)
})

test('an action that is short but for a run now and then gets nothing sent ahead that would wait behind such a run', async () => {
  const on = await pipelinedBench()
  const runOnce = async (ms: number): Promise<void> => {
    on.submit()
    await on.clock.advance(ms)
    on.container.pending[0]?.answer('{}')
  }
  const sentAhead = (): number => {
    const before = on.container.pending.length
    for (let index = 0; index < 20; index++) on.submit()
    const sent = on.container.pending.length - before - 1
    while (on.container.pending.length > 0) on.container.pending[0]?.answer('{}')
    return sent
  }
  for (let index = 0; index < 20; index++) await runOnce(0.1)
  assert.equal(sentAhead(), 16)
  await runOnce(2000)
  for (let index = 0; index < 10; index++) await runOnce(0.1)
  assert.equal(sentAhead(), 0)
})
