/**
 * The one place that talks to a container's runtime. It enforces how many runs overlap, keeps a few more in its overflow buffer, initialises once,
 * and bounds init and each run by the action's time limit.
 *
 *   fresh -> initialising -> ready -> ended        (from `ended` on, nothing starts any more)
 */

import type { Container } from '../containers/container-factory.ts'
import type { RuntimeReply } from '../containers/runtime-channel.ts'
import type { Outcome } from '../model/activation.ts'
import { APPLICATION_ERROR, DEVELOPER_ERROR, WHISK_ERROR, errorOutcome } from '../model/activation.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import type { ActivationId } from '../model/ids.ts'
import { EMPTY_LOG, collectLog } from './activation-log.ts'
import { MESSAGES, classifyInit, classifyLost, classifyRun, classifyTimeout } from './classify.ts'
import type { OverflowBuffer, OverflowSettings } from './overflow-buffer.ts'
import { overflowBuffer } from './overflow-buffer.ts'
import type { ProxyCounters } from './proxy-counters.ts'
import type { Done, Run, Waiting } from './run.ts'
import { newRun } from './run.ts'
import type { RunRequest } from './run-request.ts'
import { initMessage, runMessage } from './runtime-messages.ts'
import { serviceTime } from './service-time.ts'
import { createSuspension } from './suspension.ts'

export interface ProxySettings {
  /** Idle time in ms after which the container is suspended; undefined: never. */
  readonly pauseGraceMs: number | undefined
  /** The overflow buffer holds this many requests for each run that may overlap. */
  readonly overflowFactor: number
  readonly overflow: Pick<OverflowSettings, 'maxBytes' | 'maxWaitMs'>
}

export interface ProxyDeps {
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: ProxySettings
  /** Called once, when nothing is in flight any more: the container must not serve again, the control plane removes it. */
  readonly discard: (reason: string) => void
  readonly counters: ProxyCounters
}

export interface ContainerProxy {
  readonly container: Container
  /** Runs under way, those included whose last output is still being read. */
  readonly inFlight: number
  /** Requests that are taken besides those that run. */
  readonly queueLimit: number
  /** Monotonic ms at which the last run ended, or the proxy was made. */
  readonly lastUsed: number
  /** Ids of the runs under way. */
  activations(): readonly ActivationId[]
  /** Runs the request or says why not; calls back exactly once, possibly before it returns. */
  submit(request: RunRequest, done: Done): void
}

/** Work in ms that may be sent ahead to a runtime that takes it: what it saves is a wake-up of two processes a run, which only counts for short ones. */
const PIPELINE_MS = 10
const PIPELINE_RUNS = 16
/** Longest wait in ms for the cause of a container's end, which decides between the texts for a crash and for memory exhaustion. */
const END_CAUSE_WAIT_MS = 2000

/** The proxy of a container whose runtime waits for its init; `firstStart` is how the container came to be. */
export function createContainerProxy(
  container: Container,
  firstStart: 'cold' | 'stem',
  deps: ProxyDeps,
): ContainerProxy {
  const { clock, timers, settings, counters } = deps
  const { channel } = container
  const times = serviceTime(1)
  const running = new Set<Run>()
  let state: 'fresh' | 'initialising' | 'ready' | 'ended' = container.initialised === true ? 'ready' : 'fresh'
  let endReason = ''
  let discarded = false
  let lastUsed = clock.monotonic()
  /** Runs at once that the action allows; every request of a container has the same action revision. */
  let allowed = 1
  let overflow: OverflowBuffer<Waiting> | undefined
  let cancelLimit: Cancel | undefined
  let cancelOverflow: Cancel | undefined

  const suspension = createSuspension(container, {
    clock,
    timers,
    graceMs: settings.pauseGraceMs,
    isIdle: () => state === 'ready' && running.size === 0,
    lastUsed: () => lastUsed,
    counters,
  })

  channel.onOutput = (stream, chunk, activationId) => {
    for (const run of running) {
      if (activationId !== undefined && run.request.activationId !== activationId) continue
      run.log ??= collectLog(run.request.program.logLimitBytes)
      return run.log.append(stream, chunk, clock.now())
    }
  }
  if (state === 'ready') suspension.idle()
  void container.ended.then((end) => retire(`the container ended (${end.cause})`))

  function submit(request: RunRequest, done: Done): void {
    if (state === 'ended') return done({ type: 'notStarted', reason: endReason })
    allowed = request.program.concurrency
    if (running.size < slots()) begin({ request, done })
    else if (running.size < slots() + sendAhead() && (overflow?.length ?? 0) === 0) begin({ request, done })
    else buffer({ request, done })
  }

  /** Runs that may be sent before their turn. None to a container that must be thawed first, or whose runs are, or now and then have been, long. */
  function sendAhead(): number {
    const { pessimisticMs } = times
    if (!channel.pipelined || state !== 'ready' || !suspension.awake || pessimisticMs === undefined) return 0
    return Math.min(PIPELINE_RUNS, Math.floor(PIPELINE_MS / Math.max(pessimisticMs, 0.01)))
  }

  /** One while it is not known yet whether the runtime overlaps runs. */
  function slots(): number {
    return state === 'ready' && channel.concurrent ? allowed : 1
  }

  function buffer(waiting: Waiting): void {
    overflow ??= overflowBuffer({ ...settings.overflow, maxEntries: settings.overflowFactor * allowed })
    if (!overflow.push(waiting, waiting.request.argumentBytes.length, clock.monotonic())) return refuse(waiting)
    cancelOverflow ??= timers.after(settings.overflow.maxWaitMs, expireOverflow)
  }

  function refuse({ done }: Waiting): void {
    counters.busy++
    const queued = overflow?.length ?? 0
    done({ type: 'busy', retryAfterMs: Math.max(1, times.waitMs(running.size + queued, slots())), queued })
  }

  function expireOverflow(): void {
    cancelOverflow = undefined
    const now = clock.monotonic()
    for (const waiting of overflow?.expired(now) ?? []) refuse(waiting)
    const next = overflow?.nextExpiry()
    if (next !== undefined) cancelOverflow = timers.after(Math.max(1, next - now), expireOverflow)
  }

  function begin(waiting: Waiting): void {
    const { timeoutMs } = waiting.request.program
    const start = state === 'fresh' ? firstStart : suspension.suspended ? 'thawed' : 'warm'
    const run = newRun(waiting, start, running.size < slots(), clock)
    running.add(run)
    cancelLimit ??= timers.after(timeoutMs, checkLimits)
    channel.answerLimitBytes = run.request.resultLimitBytes
    if (state === 'fresh') {
      state = 'initialising'
      initialise(run).catch((error: unknown) => fault(run, error))
    } else if (suspension.awake) execute(run)
    else suspension.wake((failure) => (failure === undefined ? execute(run) : giveBack(run, failure)))
  }

  async function initialise(run: Run): Promise<void> {
    const { request } = run
    const code = await request.program.loadCode()
    if (run.settled) return
    counters.inits++
    const deadlineAt = Math.round(clock.now() + request.program.timeoutMs)
    channel.init(initMessage(request, code, deadlineAt), (reply) => initialised(run, reply))
  }

  function initialised(run: Run, reply: RuntimeReply): void {
    if (run.settled) return
    const { resultLimitBytes, truncationBytes, program } = run.request
    run.runBeganAt = clock.monotonic()
    run.initMs = run.runBeganAt - run.beganAt
    if (reply.type === 'lost') return lost(run, 'init')
    const failure = classifyInit(reply, resultLimitBytes, truncationBytes)
    if (failure !== undefined) return failInit(run, failure)
    state = 'ready'
    run.limitAt = run.runBeganAt + program.timeoutMs
    execute(run)
    feed()
  }

  function execute(run: Run): void {
    if (run.settled) return
    counters.runs++
    const { request } = run
    const deadlineAt = Math.round(clock.now() + request.program.timeoutMs)
    channel.run(request.activationId, runMessage(request, deadlineAt), (reply) => answered(run, reply))
  }

  function answered(run: Run, reply: RuntimeReply): void {
    if (channel.pipelined && reply.type !== 'lost') promote(run)
    if (run.settled) return
    const refused = reply.type === 'lost' ? reply.reached === false : reply.status === 503
    // A new container's run is not sent elsewhere: an action that refuses whatever comes after its init would go round for ever.
    if (refused && run.start !== 'cold' && run.start !== 'stem') {
      // 503 is how a runtime says that it is shutting down: the run has not happened.
      const reason = reply.type === 'lost' ? 'does not take connections any more' : 'is shutting down'
      return giveBack(run, `the runtime ${reason}`)
    }
    if (reply.type === 'lost') return lost(run, 'run')
    const { resultLimitBytes, truncationBytes } = run.request
    const seenMs = clock.monotonic() - run.runBeganAt
    run.serviceMs = reply.type === 'answer' ? Math.min(seenMs, reply.tookMs ?? seenMs) : seenMs
    times.observe(run.serviceMs)
    finish(run, classifyRun(reply, resultLimitBytes, truncationBytes), false)
  }

  /** `answered` has been answered, at last if it was given up before: the runtime goes on to the run behind it, whose time begins. */
  function promote(answered: Run): void {
    let next: Run | undefined
    for (const run of running) {
      if (run === answered || run.begun) continue
      next = run
      break
    }
    if (next === undefined) return
    next.begun = true
    next.startedAt = clock.now()
    next.beganAt = next.runBeganAt = clock.monotonic()
    const { timeoutMs } = next.request.program
    next.limitAt = next.beganAt + timeoutMs
    cancelLimit ??= timers.after(timeoutMs, checkLimits)
  }

  function lost(run: Run, phase: 'init' | 'run'): void {
    if (!run.begun) return giveBack(run, 'the container ended before the run began')
    retire('the container ended during a run')
    const settle = (outcome: Outcome): void => {
      if (!run.settled) finish(run, outcome, false)
    }
    const cancel = timers.after(END_CAUSE_WAIT_MS, () => settle(classifyLost(phase, undefined)))
    void container.ended.then((end) => {
      cancel()
      settle(classifyLost(phase, end))
    })
    // The line is closed but the processes may not be gone: have them removed, which is also what ends `ended`'s wait.
    discard()
  }

  function checkLimits(): void {
    cancelLimit = undefined
    const now = clock.monotonic()
    let next = Infinity
    for (const run of running) {
      if (run.settled) continue
      if (run.limitAt > now) next = Math.min(next, run.limitAt)
      else timeOut(run, now)
    }
    if (next < Infinity) cancelLimit = timers.after(Math.max(1, Math.ceil(next - now)), checkLimits)
  }

  function timeOut(run: Run, now: number): void {
    counters.timeouts++
    const { timeoutMs } = run.request.program
    if (state !== 'initialising') {
      finish(run, classifyTimeout('run', timeoutMs), true)
      // What was sent behind it waits for a run that does not end: only the container's end gives it back.
      if ([...running].some(({ begun }) => !begun)) discard()
      return
    }
    run.initMs = now - run.beganAt
    run.runBeganAt = now
    failInit(run, classifyTimeout('init', timeoutMs), true)
  }

  /** A failed init is the answer of everybody who waited for it: the next container would fail the same way. */
  function failInit(run: Run, outcome: Outcome, timedOut = false): void {
    const waiting = overflow?.drain() ?? []
    finish(run, outcome, timedOut)
    for (const { request, done } of waiting) {
      const at = clock.now()
      const log = collectLog(request.program.logLimitBytes)
      log.note(MESSAGES.logsMayBeMissing, at)
      log.complete(at)
      const beganAt = clock.monotonic()
      const times = { startedAt: at, endedAt: at, beganAt, initMs: undefined, runMs: 0, serviceMs: 0, timedOut: false }
      done({ type: 'finished', outcome, start: firstStart, ...times, log })
    }
  }

  function fault(run: Run, error: unknown): void {
    if (run.settled) return
    retire('the code could not be loaded')
    const outcome =
      error instanceof CodeMissing
        ? errorOutcome(APPLICATION_ERROR, 'Action could not be found or may have been deleted.')
        : errorOutcome(WHISK_ERROR, 'Failed to provision resources to run the action.')
    finish(run, outcome, false)
  }

  /** The run did not begin: it goes back to whoever sent it, to be run elsewhere. This container is not used again. */
  function giveBack(run: Run, reason: string): void {
    running.delete(run)
    retire(reason)
    if (!run.settled) {
      run.settled = true
      run.done({ type: 'notStarted', reason })
    }
    if (running.size === 0) discard()
  }

  /** Answers the caller at once; the slot is free again when the run's last output has been read. */
  function finish(run: Run, outcome: Outcome, timedOut: boolean): void {
    run.settled = true
    const failed = outcome.statusCode >= DEVELOPER_ERROR
    if (failed) {
      retire(`an activation ended with status ${outcome.statusCode}`)
    }
    if (failed || channel.outputPending) run.log ??= collectLog(run.request.program.logLimitBytes)
    const { log } = run
    const runMs = clock.monotonic() - run.runBeganAt
    run.done({
      type: 'finished',
      outcome,
      start: run.start,
      startedAt: run.startedAt,
      endedAt: clock.now(),
      beganAt: run.beganAt,
      initMs: run.initMs,
      runMs,
      serviceMs: run.serviceMs ?? runMs,
      timedOut,
      log: log ?? EMPTY_LOG,
    })
    if (log === undefined) return release(run)
    channel.drained((whole) => {
      if (failed) log.note(MESSAGES.logsMayBeMissing, clock.now())
      else if (!whole) log.note(MESSAGES.logsIncomplete, clock.now())
      log.complete(clock.now())
      release(run)
    })
  }

  function release(run: Run): void {
    running.delete(run)
    lastUsed = clock.monotonic()
    if (state === 'ended') {
      if (running.size === 0) discard()
      return
    }
    feed()
    if (running.size === 0) suspension.idle()
  }

  function feed(): void {
    while (overflow !== undefined && state === 'ready' && running.size < slots() + sendAhead()) {
      const waiting = overflow.shift()
      if (waiting === undefined) return
      begin(waiting)
    }
  }

  function retire(reason: string): void {
    if (state === 'ended') return
    state = 'ended'
    endReason = reason
    suspension.stop()
    cancelOverflow?.()
    for (const { done } of overflow?.drain() ?? []) done({ type: 'notStarted', reason })
  }

  function discard(): void {
    if (discarded) return
    discarded = true
    cancelLimit?.()
    counters.discarded++
    deps.discard(endReason)
  }

  return {
    container,
    get inFlight() {
      return running.size
    },
    get queueLimit() {
      return settings.overflowFactor * allowed + sendAhead()
    },
    get lastUsed() {
      return lastUsed
    },
    activations: () => [...running].map(({ request }) => request.activationId),
    submit,
  }
}

/** The code of an action was not in the store when a container needed it. */
export class CodeMissing extends Error {
  override readonly name = 'CodeMissing'
}
