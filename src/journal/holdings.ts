/** What a journal holds, altogether and lane by lane. */

import type { JournalDepth } from './journal.ts'

const NOTHING: JournalDepth = { entries: 0, bytes: 0 }

export class Holdings {
  #entries = 0
  #bytes = 0
  readonly #lanes = new Map<string, JournalDepth>()

  get total(): JournalDepth {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  of(lane: string): JournalDepth {
    return this.#lanes.get(lane) ?? NOTHING
  }

  /** Counts entries and their bytes in, or out where the numbers are negative. */
  add(lane: string, entries: number, bytes: number): void {
    this.#entries += entries
    this.#bytes += bytes
    const held = this.of(lane)
    const next = { entries: held.entries + entries, bytes: held.bytes + bytes }
    if (next.entries === 0 && next.bytes === 0) this.#lanes.delete(lane)
    else this.#lanes.set(lane, next)
  }

  clear(): void {
    this.#entries = 0
    this.#bytes = 0
    this.#lanes.clear()
  }
}
