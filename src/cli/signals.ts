/** SIGTERM and SIGINT of a process that has something to finish: the first one asks it to stop, the second one ends it at once. */

import type { Shell } from './shell.ts'

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

export interface Interruption {
  /** Resolves with the name of the first signal. */
  readonly first: Promise<string>
  /** True once it came. */
  readonly came: boolean
  /** Lets signals end the process again as usual. */
  dispose(): void
}

/** Begins to listen for both signals. */
export function watchSignals(shell: Pick<Shell, 'onSignal' | 'exitNow'>): Interruption {
  const { promise, resolve } = Promise.withResolvers<string>()
  let came = false
  const subscriptions = (['SIGINT', 'SIGTERM'] as const).map((signal) =>
    shell.onSignal(signal, () => {
      // As a shell reports a process that was killed by it.
      if (came) shell.exitNow(128 + NUMBERS[signal])
      came = true
      resolve(signal)
    }),
  )
  return {
    first: promise,
    get came() {
      return came
    },
    dispose: () => subscriptions.forEach((unsubscribe) => unsubscribe()),
  }
}
