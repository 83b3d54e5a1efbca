/**
 * How many stem cells of each kind there should be. Fixed plans keep their initial count; reactive ones follow OpenWhisk's rule: at each check
 * clamp(floor(cold starts since the last check / threshold) * increment, min, max), min without cold starts; unused ones expire after their ttl.
 */

import type { Resources } from '../containers/container-factory.ts'
import type { RuntimesManifest, StemCellSetting } from '../model/manifest.ts'
import { formatImage } from '../model/manifest.ts'
import { MEMORY } from './resources.ts'
import type { ActionKey, ActionRequirements } from './pool-protocol.ts'

export interface StemCellPlan {
  readonly kind: string
  readonly image: string
  readonly memoryMb: number
  readonly initialCount: number
  /** Started with overlapping runs allowed: serves the actions that want that, and only those. */
  readonly concurrent: boolean
  /** It serves this action alone. */
  readonly actionKey?: ActionKey
  readonly reactive?: StemCellSetting['reactive']
}

/**
 * The plans of a manifest. With `resizable` containers one plan a kind serves every memory size: it has the smallest size and the sum of the counts.
 */
export function stemCellPlans(manifest: RuntimesManifest, resizable: boolean): readonly StemCellPlan[] {
  const plans: StemCellPlan[] = []
  for (const { kind, image, stemCells, deprecated } of manifest.kinds) {
    if (deprecated) continue
    const own = stemCells.map((cell) => planOf(kind, formatImage(image), cell))
    const [first, ...others] = own
    if (first === undefined) continue
    if (resizable) plans.push(others.reduce(merge, first))
    else plans.push(...own)
  }
  return plans
}

/** Share of the memory of all nodes that stem cells may reserve at start: they are there for actions, not instead of them. */
const STEM_SHARE = 0.25

/**
 * The plans with their counts cut to what `memoryMb` of all nodes bears: one cell each as long as there is room, then more in proportion. Plans that
 * are left without a cell go.
 */
export function boundStemCells(plans: readonly StemCellPlan[], memoryMb: number): readonly StemCellPlan[] {
  let leftMb = memoryMb * STEM_SHARE
  const kept = plans.filter((plan) => {
    if (plan.initialCount === 0) return plan.reactive !== undefined
    if (plan.memoryMb > leftMb) return false
    leftMb -= plan.memoryMb
    return true
  })
  const moreMb = kept.reduce((sum, plan) => sum + Math.max(0, plan.initialCount - 1) * plan.memoryMb, 0)
  const share = Math.min(1, leftMb / Math.max(1, moreMb))
  return kept.map((plan) => withAtMost(plan, 1 + Math.floor((plan.initialCount - 1) * share)))
}

function withAtMost(plan: StemCellPlan, count: number): StemCellPlan {
  return { ...plan, initialCount: Math.min(plan.initialCount, count) }
}

function planOf(kind: string, image: string, cell: StemCellSetting): StemCellPlan {
  const { memoryMb, initialCount, reactive } = cell
  return { kind, image, memoryMb, initialCount, concurrent: false, ...(reactive !== undefined && { reactive }) }
}

function merge(one: StemCellPlan, other: StemCellPlan): StemCellPlan {
  const [a, b] = [one.reactive, other.reactive]
  const reactive =
    a === undefined || b === undefined
      ? (a ?? b)
      : {
          ...a,
          minCount: a.minCount + b.minCount,
          maxCount: a.maxCount + b.maxCount,
          ttlMs: Math.max(a.ttlMs, b.ttlMs),
        }
  return {
    ...one,
    memoryMb: Math.min(one.memoryMb, other.memoryMb),
    initialCount: one.initialCount + other.initialCount,
    ...(reactive !== undefined && { reactive }),
  }
}

/** A plan with the count that is wanted of it now. */
export interface WantedCells {
  readonly plan: StemCellPlan
  readonly wanted: number
}

interface Running extends WantedCells {
  wanted: number
  coldStarts: number
}

/** Time in ms without a cell being taken after which those that are missing are started, unless none is left: an init takes a fraction of it. */
const REFILL_DELAY_MS = 200

export class StemCells {
  readonly #running: Running[]
  readonly #checkMs: number
  #checkedAt: number
  #takenAt = -Infinity

  /** `checkMs`: time between two looks at the cold starts. */
  constructor(plans: readonly StemCellPlan[], checkMs: number, now: number) {
    this.#running = plans.map((plan) => ({ plan, wanted: plan.initialCount, coldStarts: 0 }))
    this.#checkMs = checkMs
    this.#checkedAt = now
  }

  wanted(): readonly WantedCells[] {
    return this.#running
  }

  /** A cell became a container at `now`, monotonic ms. */
  noteTaken(now: number): void {
    this.#takenAt = now
  }

  /** True while the actions that took cells have the processors to themselves: starting the next cell beside their init would double its time. */
  isHeldBack(now: number): boolean {
    return now - this.#takenAt < REFILL_DELAY_MS
  }

  /** A container of the action was started from nothing. */
  noteColdStart(action: ActionRequirements, resizable: boolean): void {
    for (const running of this.#running) if (servesAction(running.plan, action, resizable)) running.coldStarts++
  }

  /** Adjusts the reactive plans when a check is due; false when none is. */
  check(now: number): boolean {
    if (now - this.#checkedAt < this.#checkMs) return false
    this.#checkedAt = now
    for (const running of this.#running) {
      const { reactive } = running.plan
      if (reactive !== undefined) running.wanted = reactiveCount(reactive, running.coldStarts)
      running.coldStarts = 0
    }
    return true
  }
}

/** OpenWhisk's rule: what so many starts between two checks call for. */
export function reactiveCount(reactive: NonNullable<StemCellPlan['reactive']>, starts: number): number {
  const { minCount, maxCount, threshold, increment } = reactive
  return Math.min(Math.max(Math.floor(starts / threshold) * increment, minCount), maxCount)
}

/** True when a cell of the plan can become a container of the action, after a change of its memory where that is possible. */
export function servesAction(plan: StemCellPlan, action: ActionRequirements, resizable: boolean): boolean {
  if (plan.kind !== action.kind || plan.image !== action.image) return false
  if (plan.actionKey !== undefined && plan.actionKey !== action.actionKey) return false
  if (plan.concurrent !== action.concurrency > 1) return false
  if (!resizable && action.resources[MEMORY] !== plan.memoryMb) return false
  return onlyMemory(action.resources)
}

/** A running process can be given another memory bound, but no processor share or device that it was not started with. */
export function onlyMemory(need: Resources): boolean {
  for (const name in need) if (name !== MEMORY && (need[name] ?? 0) > 0) return false
  return true
}
