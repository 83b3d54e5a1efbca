/**
 * Takes a container's output apart into the runs that printed it. Runtimes in images end each run, and each failed init, with a line of its own on
 * both streams (OpenWhisk: ActivationLogSentinel). Where runs overlap, those of ours put the activation id in front of each line (runtimes/README.md);
 * images of users need not say anything, their output is over when it has been quiet for a moment.
 */

import type { Cancel, Timers } from '../../model/clock.ts'
import type { ActivationId } from '../../model/ids.ts'
import type { OutputListener, OutputStream } from '../runtime-channel.ts'
import { SENTINEL } from '../sentinel.ts'

/** Times in ms: OpenWhisk waits 2 s for the next byte and 2 s a MB of the log limit in all; quiet is what an image without sentinels has to be. */
const IDLE_MS = 2000
const TOTAL_MS = 20_000
const QUIET_MS = 20
const QUIET_TOTAL_MS = 500

const NEWLINE = 10
const RECORD_SEPARATOR = 30
const ID_LENGTH = 32

export interface SentinelOutput {
  /** Carries on with what was printed between the sentinels. */
  onText: OutputListener
  /** True from when the runtime has agreed to put activation ids in front of its lines. */
  attributed: boolean
  /** Takes one line of output, or a part of a long one, with its end of line where it has one. */
  feed(stream: OutputStream, line: Buffer): void
  /** The run was answered, and its sentinels are due; undefined for a failed init. `silent`: it printed nothing else, and nobody is going to wait. */
  expect(run: ActivationId | undefined, silent: boolean): void
  /**
   * True while the output cannot be read. Who waits for a run's sentinels is told that it is not whole, and what that run printed is dropped when it comes
   * at last: it would pass for a later run's.
   */
  interrupted: boolean
  /** The container's output has ended: nothing is waited for any more. */
  end(): void
  /**
   * Calls back when everything that the run, and all that were answered before it, printed has been handed on. `whole` is false when the sentinels did not
   * come in time: what comes from now on cannot be told apart any more.
   */
  whenWhole(run: ActivationId | undefined, done: (whole: boolean) => void): void
  /** Calls back when nothing has come for a moment, for runs that end without sentinels. */
  whenQuiet(done: (whole: boolean) => void): void
}

interface Seen {
  stdout: number
  stderr: number
}

/** `sentinelled`: false for images whose runs do not end with sentinels. */
export function createSentinelOutput(sentinelled: boolean, timers: Timers): SentinelOutput {
  const sentinel = Buffer.from(SENTINEL)
  /** Where ids are not told, sentinels are counted. */
  const counted: Seen = { stdout: 0, stderr: 0 }
  let due = 0
  /** Runs up to this one have been given up: what they printed is nobody's. */
  let givenUp = 0
  let interrupted = false
  /** Where they are: sentinels by run, until both have come and somebody has heard of it. */
  const byRun = new Map<ActivationId, Seen>()
  const silentRuns = new Set<ActivationId>()
  /** Whose the rest of a line is that came without its end, by stream. */
  const continued: { [stream in OutputStream]?: ActivationId } = {}
  let ended = false
  /** Checks of those who wait, told after each line. */
  const waiting = new Set<() => void>()

  const output: SentinelOutput = {
    onText: () => undefined,
    attributed: false,
    get interrupted() {
      return interrupted
    },
    set interrupted(now) {
      interrupted = now
      if (interrupted) for (const check of waiting) check()
    },
    feed(stream, line) {
      if (!sentinelled) output.onText(stream, line, undefined)
      else if (output.attributed) feedAttributed(stream, line)
      else feedCounted(stream, line)
      for (const check of waiting) check()
    },
    expect(run, silent) {
      if (!output.attributed || run === undefined) due++
      else if (silent) {
        if (hasBoth(byRun.get(run))) byRun.delete(run)
        else silentRuns.add(run)
      }
    },
    end() {
      ended = true
      for (const check of waiting) check()
    },
    whenWhole(run, done) {
      if (ended) done(true)
      else if (!sentinelled) output.whenQuiet(done)
      else if (output.attributed && run !== undefined) whenSeen(run, done)
      else whenCounted(due, done)
    },
    whenQuiet(done) {
      if (ended) done(true)
      else watch({ idleMs: QUIET_MS, totalMs: QUIET_TOTAL_MS, isOver: () => ended, silence: true }, done)
    },
  }

  function feedCounted(stream: OutputStream, line: Buffer): void {
    const at = line.indexOf(sentinel)
    const isWanted = counted[stream] >= givenUp
    if (at < 0) return isWanted ? output.onText(stream, line, undefined) : undefined
    // Output without an end of line stands in front of the sentinel.
    if (at > 0 && isWanted) output.onText(stream, line.subarray(0, at), undefined)
    counted[stream]++
  }

  /** The engine cuts long lines into parts, of which only the first has the id. */
  function feedAttributed(stream: OutputStream, line: Buffer): void {
    const marked = line[0] === RECORD_SEPARATOR
    const run = marked ? (line.toString('latin1', 1, 1 + ID_LENGTH) as ActivationId) : continued[stream]
    const text = marked ? line.subarray(ID_LENGTH + 2) : line
    if (line.at(-1) === NEWLINE || run === undefined) delete continued[stream]
    else continued[stream] = run
    // Lines without an id are nobody's.
    if (run === undefined) return
    const at = text.indexOf(sentinel)
    if (at !== 0) output.onText(stream, at < 0 ? text : text.subarray(0, at), run)
    if (at < 0) return
    const seen = byRun.get(run) ?? { stdout: 0, stderr: 0 }
    seen[stream]++
    byRun.set(run, seen)
    if (hasBoth(seen) && silentRuns.delete(run)) byRun.delete(run)
  }

  function whenCounted(upTo: number, done: (whole: boolean) => void): void {
    whenOver(
      () => counted.stdout >= upTo && counted.stderr >= upTo,
      (whole) => {
        if (!whole && interrupted) givenUp = Math.max(givenUp, upTo)
        done(whole)
      },
    )
  }

  function whenSeen(run: ActivationId, done: (whole: boolean) => void): void {
    whenOver(
      () => hasBoth(byRun.get(run)),
      (whole) => {
        byRun.delete(run)
        done(whole)
      },
    )
  }

  function whenOver(isOver: () => boolean, done: (whole: boolean) => void): void {
    if (isOver()) done(true)
    else if (interrupted) done(false)
    else watch({ idleMs: IDLE_MS, totalMs: TOTAL_MS, isOver: () => ended || isOver(), silence: false }, done)
  }

  /** Looks after each line whether it is over, and tells `silence` when none comes for `idleMs`, or when `totalMs` are over. */
  function watch(
    wait: {
      readonly idleMs: number
      readonly totalMs: number
      readonly isOver: () => boolean
      readonly silence: boolean
    },
    done: (whole: boolean) => void,
  ): void {
    const over = (whole: boolean): void => {
      waiting.delete(check)
      cancelIdle()
      cancelTotal()
      done(whole)
    }
    const check = (): void => {
      cancelIdle()
      if (wait.isOver()) over(true)
      else if (interrupted && !wait.silence) over(false)
      else cancelIdle = timers.after(wait.idleMs, () => over(wait.silence))
    }
    let cancelIdle: Cancel = timers.after(wait.idleMs, () => over(wait.silence))
    const cancelTotal = timers.after(wait.totalMs, () => over(wait.silence))
    waiting.add(check)
  }

  return output
}

function hasBoth(seen: Seen | undefined): boolean {
  return seen !== undefined && seen.stdout > 0 && seen.stderr > 0
}
