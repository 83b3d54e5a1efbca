/** A few more requests than a container may run at once: bounded by count and by bytes, first in first out, each with a longest wait. */

export interface OverflowSettings {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxWaitMs: number
}

interface Entry<Item> {
  readonly item: Item
  readonly bytes: number
  readonly expiresAt: number
}

export interface OverflowBuffer<Item> {
  readonly length: number
  /** False when the bound is reached: the item was not taken. */
  push(item: Item, bytes: number, now: number): boolean
  /** The oldest item, or undefined. */
  shift(): Item | undefined
  /** Takes out what has waited too long by `now` (monotonic ms). */
  expired(now: number): readonly Item[]
  /** When the oldest item has waited too long, or undefined when empty. */
  nextExpiry(): number | undefined
  /** Takes out everything. */
  drain(): readonly Item[]
}

/** An empty buffer. */
export function overflowBuffer<Item>(settings: OverflowSettings): OverflowBuffer<Item> {
  let entries: Entry<Item>[] = []
  let bytesHeld = 0
  const take = (count: number): readonly Item[] => {
    const taken = entries.splice(0, count)
    for (const { bytes } of taken) bytesHeld -= bytes
    return taken.map(({ item }) => item)
  }
  return {
    get length() {
      return entries.length
    },
    push(item, bytes, now) {
      if (entries.length >= settings.maxEntries || bytesHeld + bytes > settings.maxBytes) return false
      entries.push({ item, bytes, expiresAt: now + settings.maxWaitMs })
      bytesHeld += bytes
      return true
    },
    shift: () => take(1)[0],
    expired(now) {
      const fresh = entries.findIndex(({ expiresAt }) => expiresAt > now)
      return take(fresh < 0 ? entries.length : fresh)
    },
    nextExpiry: () => entries[0]?.expiresAt,
    drain: () => take(entries.length),
  }
}
