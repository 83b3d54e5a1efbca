/** The order in which waiting entries are handed out: within a lane oldest first, and lanes take turns, so that a long lane does not hold up a short one. */

/** How many more entries of a lane may be handed out now. */
export type LaneRoom = (lane: string) => number

/** An entry that nobody has claimed, by its number; numbers grow with age. */
export interface Waiting {
  readonly lane: string
  readonly seq: number
}

export class Lanes {
  /** In the order of turns: whoever was served goes to the end. No queue is empty. */
  readonly #queues = new Map<string, SeqQueue>()

  add({ lane, seq }: Waiting): void {
    let queue = this.#queues.get(lane)
    if (queue === undefined) {
      queue = new SeqQueue()
      this.#queues.set(lane, queue)
    }
    queue.add(seq)
  }

  clear(): void {
    this.#queues.clear()
  }

  /** Takes out up to `max` entries, one of each lane at a time. `room` is asked once a lane. */
  take(max: number, room: LaneRoom): Waiting[] {
    const taken: Waiting[] = []
    const left = new Map<string, number>()
    // A lane that is put back at the end is visited again by the same loop.
    for (const [lane, queue] of this.#queues) {
      if (taken.length >= max) break
      const more = left.get(lane) ?? room(lane)
      if (more <= 0) continue
      left.set(lane, more - 1)
      taken.push({ lane, seq: queue.shift() })
      this.#queues.delete(lane)
      if (queue.length > 0) this.#queues.set(lane, queue)
    }
    return taken
  }
}

/** Numbers in ascending order; almost all are added at the end and taken from the front. */
class SeqQueue {
  #items: number[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  add(seq: number): void {
    let low = this.#head
    let high = this.#items.length
    if (high > low && seq > (this.#items[high - 1] ?? 0)) low = high
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#items[middle] ?? 0) < seq) low = middle + 1
      else high = middle
    }
    this.#items.splice(low, 0, seq)
  }

  /** The smallest; there must be one. */
  shift(): number {
    const seq = this.#items[this.#head++] ?? 0
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return seq
  }
}
