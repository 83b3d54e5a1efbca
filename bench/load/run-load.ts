/** Runs the load generator on a plan. */

import { setPriority } from 'node:os'
import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import { failuresOf } from './load-plan.ts'

/** What a measurement adds to a target; times in ms. */
export type LoadShape = Pick<LoadPlan, 'connections' | 'warmMs' | 'durationMs' | 'calls' | 'perSecond'>

/** Of a generator's process, from -20 (before all others) to 19 (after them): where generators share the processors with what they measure. */
export interface GeneratorOptions {
  readonly priority?: number
}

/** What every rate is measured with: the size of a small event. */
export const BODY = '{"name":"World","place":"Earth","count":42}'

/** Resolves when the generator has ended. Rejects when it could not run; failed requests are in the result. */
export async function runLoad(
  bench: Workbench,
  target: LoadTarget,
  shape: LoadShape,
  { priority }: GeneratorOptions = {},
): Promise<LoadResult> {
  const plan: LoadPlan = { body: BODY, ...target, ...shape }
  const generator = await bench.node('bench/load/generator.ts')
  if (priority !== undefined) prefer(generator.pid, priority)
  generator.stdin.end(JSON.stringify(plan))
  return JSON.parse(await generator.output()) as LoadResult
}

/** As `runLoad`; rejects where a single request failed: a rate of errors is no rate. */
export async function runCleanLoad(
  bench: Workbench,
  target: LoadTarget,
  shape: LoadShape,
  options: GeneratorOptions = {},
): Promise<LoadResult> {
  const result = await runLoad(bench, target, shape, options)
  if (failuresOf(result) > 0) throw new Error(`requests failed: ${JSON.stringify(result.failures)}`)
  return result
}

/** Sets the priority of a process where that is allowed: who is not root may only lower it. */
function prefer(pid: number, priority: number): void {
  try {
    setPriority(pid, priority)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SYSTEM_ERROR')) throw error
  }
}
