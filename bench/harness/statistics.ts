/** Rounds and their middle: contenders take turns, so that whatever the machine does besides hits all of them alike. */

/** Runs each contender once a round, A B A B …; resolves with every contender's results in the order of the rounds. */
export async function interleave<Result, Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, (round: number) => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(contenders) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results[name].push(await contenders[name](round))
  }
  return results
}

/** The middle value, or the mean of the two in the middle; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** The smallest value that at least that share (0 to 1) of all values do not exceed; NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** Median over the rounds of value / limit: drift from round to round cancels out. */
export function pairedRatio(limits: readonly number[], values: readonly number[]): number {
  return median(values.map((value, round) => value / (limits[round] ?? NaN)))
}

/** Median over the rounds of value - limit. */
export function pairedDifference(limits: readonly number[], values: readonly number[]): number {
  return median(values.map((value, round) => value - (limits[round] ?? NaN)))
}

/** Numbers between 0 and 1 that are the same in every run (mulberry32, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
