/** Arithmetic on resource vectors. A name that a vector does not have is an amount of 0. */

import type { Resources } from '../containers/container-factory.ts'

/** A vector that its owner changes in place. */
export type ResourceTally = Record<string, number>

/** The dimension that every container takes of and every node has. */
export const MEMORY = 'memoryMb'

export function addTo(tally: ResourceTally, amounts: Resources): void {
  for (const name in amounts) tally[name] = (tally[name] ?? 0) + (amounts[name] ?? 0)
}

export function takeFrom(tally: ResourceTally, amounts: Resources): void {
  for (const name in amounts) tally[name] = (tally[name] ?? 0) - (amounts[name] ?? 0)
}

/** True when `need` is not more than `capacity` in any dimension that it asks for. */
export function covers(capacity: Resources, need: Resources): boolean {
  for (const name in need) {
    const amount = need[name] ?? 0
    if (amount > 0 && amount > (capacity[name] ?? 0)) return false
  }
  return true
}

/** True when every amount is finite and not negative, and memory is asked for. */
export function isValidNeed(need: Resources): boolean {
  for (const name in need) {
    const amount = need[name]
    if (amount === undefined || !Number.isFinite(amount) || amount < 0) return false
  }
  return (need[MEMORY] ?? 0) > 0
}
