/** How many of the requests that wait for an action are worth a new container: those that the present ones will not have served by the time it is there. */

export interface Congestion {
  /** Requests parked at this router. */
  readonly parked: number
  /** Runs that the action's containers overlap, all together; 0: it has none. */
  readonly slots: number
  /** Mean of the service times seen, in ms; undefined before the first. */
  readonly meanMs: number | undefined
  /** What a cold start is expected to take, in ms. */
  readonly coldMs: number
  /** How long requests have been waiting without a break, in ms. */
  readonly saturatedMs: number
  /** Processors of the containers' node. */
  readonly processors: number
}

/** Mean run in ms below which a run is taken to wait for nothing but its processor: others cannot be woken, used and put to sleep in that time. */
const SHORT_RUN_MS = 2

/** Waiting without a break for this long means that the containers do not keep up, however short each wait is: one more is asked for. */
export const SATURATION_MS = 50

/** The number of parked requests to state to the control plane. */
export function demandOf({ parked, slots, meanMs, coldMs, saturatedMs, processors }: Congestion): number {
  if (slots === 0 || meanMs === undefined) return parked
  const servedMeanwhile = (slots * coldMs) / Math.max(meanMs, 0.01)
  const late = Math.ceil(parked - servedMeanwhile)
  if (late > 0) return late
  // Short runs that wait although every processor has a container wait for processors: another container would take its share of those from them.
  if (meanMs < SHORT_RUN_MS && slots >= processors) return 0
  return parked > 0 && saturatedMs >= SATURATION_MS ? 1 : 0
}
