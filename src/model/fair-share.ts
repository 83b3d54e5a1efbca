/**
 * How much of something bounded one party may take: never more than a multiple of what is free. So a party alone gets most of it, n busy ones get equal
 * parts, and something is always left for who comes next, without anybody's share being set (Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", 1998).
 */

/** One party alone gets 4/5, two get 4/9 each. */
const MULTIPLE = 4

/** True when a party that holds `held` may take one more of what `free` is left of. */
export function mayTake(held: number, free: number): boolean {
  return held < MULTIPLE * free
}

/** How many more a party that holds `held` may take, one after the other, of what `free` is left of. */
export function shareLeft(held: number, free: number): number {
  return Math.max(0, Math.min(free, Math.ceil((MULTIPLE * free - held) / (MULTIPLE + 1))))
}
