/**
 * Takes a container's output apart into the runs that printed it. Runtimes in images end each run, and each failed init, with a line of its own on
 * both streams (OpenWhisk: ActivationLogSentinel); images of users need not, their output is over when it has been quiet for a moment.
 */

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
export function createSentinelOutput(sentinelled: boolean): SentinelOutput {
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
      else if (!sentinelled) whenQuiet(done)
      else if (due === 0) whenQuiet(done)
      else whenDelimited(due, done)
    },
  }

  function whenDelimited(upTo: number, done: (whole: boolean) => void): void {
    const isWhole = (): boolean => ended || (seen.stdout >= upTo && seen.stderr >= upTo)
    if (isWhole()) return done(true)
    const over = (whole: boolean): void => {
      waiting.delete(check)
      clearTimeout(idle)
      clearTimeout(total)
      done(whole)
    }
    const check = (): void => {
      if (isWhole()) over(true)
      else idle.refresh()
    }
    const idle = setTimeout(() => over(false), IDLE_MS)
    const total = setTimeout(() => over(false), TOTAL_MS)
    waiting.add(check)
  }

  function whenQuiet(done: (whole: boolean) => void): void {
    const over = (): void => {
      waiting.delete(check)
      clearTimeout(quiet)
      clearTimeout(total)
      done(true)
    }
    const check = (): void => {
      if (ended) over()
      else quiet.refresh()
    }
    const quiet = setTimeout(over, QUIET_MS)
    const total = setTimeout(over, QUIET_TOTAL_MS)
    waiting.add(check)
  }

  return output
}
