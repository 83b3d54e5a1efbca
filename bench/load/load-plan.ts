/** What a load generator is told and what it tells: JSON on its standard input and output. */

/** POSTs of one body to `paths` in turn, over keep-alive connections that each have one request under way. */
export interface LoadPlan {
  readonly host: string
  readonly port: number
  readonly paths: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connections: number
  /** Not counted: caches, compilers and the processor's clock settle. */
  readonly warmMs: number
  /** Length of the measurement; it ends earlier after `calls` requests. */
  readonly durationMs: number
  /** Requests in all, those of the warm-up included; absent: as many as there is time for. */
  readonly calls?: number
  /** Requests a second in all, evenly spread over the connections; absent: each connection sends the next one at the answer to the last. */
  readonly perSecond?: number
}

/** Times in ms; counts are of the measured time alone, but for `failures`. */
export interface LoadResult {
  readonly seconds: number
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** What went wrong from first to last: `502` or `connection closed` and how often. */
  readonly failures: Readonly<Record<string, number>>
  /** Complete responses in each whole second. */
  readonly perSecond: readonly number[]
}

/** All failures together. */
export function failuresOf(result: LoadResult): number {
  return Object.values(result.failures).reduce((sum, count) => sum + count, 0)
}
