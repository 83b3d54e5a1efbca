/** Runs the load generator on a plan. */

import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import { failuresOf } from './load-plan.ts'

/** What a measurement adds to a target; times in ms. */
export type LoadShape = Pick<LoadPlan, 'connections' | 'warmMs' | 'durationMs' | 'calls' | 'perSecond'>

/** What every rate is measured with: the size of a small event. */
export const BODY = '{"name":"World","place":"Earth","count":42}'

/** Resolves when the generator has ended. Rejects when it could not run; failed requests are in the result. */
export async function runLoad(bench: Workbench, target: LoadTarget, shape: LoadShape): Promise<LoadResult> {
  const plan: LoadPlan = { body: BODY, ...target, ...shape }
  const generator = await bench.node('bench/load/generator.ts')
  generator.stdin.end(JSON.stringify(plan))
  return JSON.parse(await generator.output()) as LoadResult
}

/** As `runLoad`; rejects where a single request failed: a rate of errors is no rate. */
export async function runCleanLoad(bench: Workbench, target: LoadTarget, shape: LoadShape): Promise<LoadResult> {
  const result = await runLoad(bench, target, shape)
  if (failuresOf(result) > 0) throw new Error(`requests failed: ${JSON.stringify(result.failures)}`)
  return result
}
