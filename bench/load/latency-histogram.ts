/** Latencies counted in buckets that grow with the value: percentiles of millions of calls in 2 KB, each at most 3 % too high. */

/** Buckets of one microsecond below this many; above, each doubling is cut into that many. */
const PARTS = 32
const PARTS_LOG2 = 5

export interface LatencyHistogram {
  readonly count: number
  /** Largest value in ms. */
  readonly maxMs: number
  record(ms: number): void
  /** Upper bound in ms of the bucket that holds the given share (0 to 1) of all values; 0 when there are none. */
  percentile(share: number): number
}

/** An empty histogram. */
export function latencyHistogram(): LatencyHistogram {
  const buckets = new Uint32Array(bucketOf(0x7fffffff) + 1)
  let count = 0
  let maxMs = 0
  return {
    get count() {
      return count
    },
    get maxMs() {
      return maxMs
    },
    record(ms) {
      const bucket = bucketOf(Math.min(0x7fffffff, Math.max(0, Math.round(ms * 1000))))
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      count++
      if (ms > maxMs) maxMs = ms
    },
    percentile(share) {
      const rank = Math.ceil(share * count)
      let seen = 0
      for (const [bucket, held] of buckets.entries()) {
        seen += held
        if (held > 0 && seen >= rank) return Math.min(maxMs, boundOf(bucket) / 1000)
      }
      return 0
    },
  }
}

/** Index of the bucket of a whole number of microseconds. */
function bucketOf(us: number): number {
  if (us < PARTS) return us
  const shift = 31 - Math.clz32(us) - PARTS_LOG2
  return (shift + 1) * PARTS + ((us >>> shift) - PARTS)
}

/** Largest number of microseconds in the bucket. */
function boundOf(bucket: number): number {
  if (bucket < PARTS) return bucket
  const shift = Math.floor(bucket / PARTS) - 1
  return ((bucket % PARTS) + PARTS + 1) * 2 ** shift - 1
}
