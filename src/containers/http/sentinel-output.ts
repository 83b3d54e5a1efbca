/**
 * Takes a container's output apart into the runs that printed it. Runtimes in images end each run, and each failed init, with a line of its own on
 * both streams (OpenWhisk: ActivationLogSentinel); images of users need not, their output is over when it has been quiet for a moment.
 */

import type { Cancel, Timers } from '../../model/clock.ts'
import type { OutputStream } from '../runtime-channel.ts'

export const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'

/** Times in ms: OpenWhisk waits 2 s for the next byte and 2 s a MB of the log limit in all; quiet is what an image without sentinels has to be. */
const IDLE_MS = 2000
const TOTAL_MS = 20_000
const QUIET_MS = 20
const QUIET_TOTAL_MS = 500

/** Carries on with what was printed between the sentinels. */
export type TextListener = (stream: OutputStream, text: Buffer) => void

export interface SentinelOutput {
  onText: TextListener
  /** Takes one line of output, or a part of a long one, with its end of line where it has one. */
  feed(stream: OutputStream, line: Buffer): void
  /** A run, or a failed init, was answered: its sentinels are due. */
  expect(): void
  /** The container's output has ended: nothing is waited for any more. */
  end(): void
  /**
   * Calls back when everything that answered runs printed has been handed on. `whole` is false when the sentinels did not come in time: what comes
   * from now on can not be told apart any more.
   */
  whenWhole(done: (whole: boolean) => void): void
}

/** `sentinelled`: false for images whose runs do not end with sentinels. */
export function createSentinelOutput(sentinelled: boolean, timers: Timers): SentinelOutput {
  const sentinel = Buffer.from(SENTINEL)
  const seen = { stdout: 0, stderr: 0 }
  let due = 0
  let ended = false
  /** Checks of those who wait, told after each line. */
  const waiting = new Set<() => void>()

  const output: SentinelOutput = {
    onText: () => undefined,
    feed(stream, line) {
      const at = sentinelled ? line.indexOf(sentinel) : -1
      if (at < 0) output.onText(stream, line)
      else {
        // Output without an end of line stands in front of the sentinel.
        if (at > 0) output.onText(stream, line.subarray(0, at))
        seen[stream]++
      }
      for (const check of waiting) check()
    },
    expect() {
      due++
    },
    end() {
      ended = true
      for (const check of waiting) check()
    },
    whenWhole(done) {
      if (ended) done(true)
      else if (!sentinelled || due === 0) whenQuiet(done)
      else whenDelimited(due, done)
    },
  }

  function whenDelimited(upTo: number, done: (whole: boolean) => void): void {
    const isWhole = (): boolean => ended || (seen.stdout >= upTo && seen.stderr >= upTo)
    if (isWhole()) done(true)
    else watch({ idleMs: IDLE_MS, totalMs: TOTAL_MS, isOver: isWhole, silence: false }, done)
  }

  function whenQuiet(done: (whole: boolean) => void): void {
    watch({ idleMs: QUIET_MS, totalMs: QUIET_TOTAL_MS, isOver: () => ended, silence: true }, done)
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
      else cancelIdle = timers.after(wait.idleMs, () => over(wait.silence))
    }
    let cancelIdle: Cancel = timers.after(wait.idleMs, () => over(wait.silence))
    const cancelTotal = timers.after(wait.totalMs, () => over(wait.silence))
    waiting.add(check)
  }

  return output
}
