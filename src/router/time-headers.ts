/** The headers that tell what a completed call spent its time on, and how warm its container was. */

import type { Completion } from './call.ts'

/** Appends names and values in turn. */
export function appendTimes(headers: string[], { run, waitMs }: Completion): void {
  const initTiming = run?.initMs === undefined ? '' : `, init;dur=${run.initMs.toFixed(2)}`
  const runTiming = run === undefined ? '' : `, run;dur=${run.runMs.toFixed(2)}`
  headers.push('Server-Timing', `wait;dur=${waitMs.toFixed(2)}${initTiming}${runTiming}`)
  if (run !== undefined) headers.push('X-Stave-Start', run.start)
}
