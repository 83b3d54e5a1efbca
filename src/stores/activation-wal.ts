/**
 * The write-ahead log of activation records: they are in a file, which outlives the process, before their callers are answered. One synchronous write
 * into the page cache for all records of a turn of the event loop costs a few microseconds; the store's transaction comes milliseconds later.
 * A file whose records the store has is removed; what a killed process leaves is read back by the spool (activation-spool.ts).
 */

import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface ActivationWalOptions {
  readonly directory: string
  /** A file that has reached so many bytes is followed by another. default 4 MB */
  readonly segmentBytes?: number
}

/** One file. */
export interface WalSegment {
  readonly path: string
  readonly fd: number
  bytes: number
  /** Records in it that the store does not have yet. */
  live: number
}

const MB = 1024 * 1024
/** A current file without live records is emptied from this size on: less often than the records come. */
const EMPTY_FROM_BYTES = MB

export class ActivationWal {
  readonly #options: ActivationWalOptions
  #current: WalSegment | undefined
  readonly #old = new Set<WalSegment>()
  #number = 0
  /** Writes that failed: the disk is full, or worse. Their records are only in memory until the store takes them. */
  failures = 0

  constructor(options: ActivationWalOptions) {
    this.#options = options
  }

  get bytes(): number {
    let bytes = this.#current?.bytes ?? 0
    for (const segment of this.#old) bytes += segment.bytes
    return bytes
  }

  /** Writes the lines of `records` records; returns the file that has them, or undefined when they could not be written. Never throws. */
  write(lines: string, records: number): WalSegment | undefined {
    try {
      const segment = this.#current ?? this.#begin()
      const before = segment.bytes
      try {
        segment.bytes += writeWhole(segment.fd, lines)
      } catch (error) {
        // Half a line would spoil the next one.
        ftruncateSync(segment.fd, before)
        throw error
      }
      segment.live += records
      if (segment.bytes >= (this.#options.segmentBytes ?? 4 * MB)) this.#finish()
      return segment
    } catch {
      this.failures++
      return undefined
    }
  }

  /** The store has so many more of the segment's records. */
  stored(segment: WalSegment, records: number): void {
    segment.live -= records
    if (segment.live > 0) return
    if (segment !== this.#current) return this.#remove(segment)
    if (segment.bytes < EMPTY_FROM_BYTES) return
    try {
      ftruncateSync(segment.fd, 0)
      segment.bytes = 0
    } catch {
      // What stays in the file is written to the store once more after a restart, which does no harm.
      this.failures++
    }
  }

  /** Closes the files and removes those that hold nothing but what the store has. */
  close(): void {
    this.#finish()
    for (const segment of this.#old) closeSync(segment.fd)
    this.#old.clear()
  }

  #begin(): WalSegment {
    const path = join(this.#options.directory, `activations-wal-${String(++this.#number).padStart(8, '0')}.ndjson`)
    this.#current = { path, fd: openSync(path, 'a', 0o600), bytes: 0, live: 0 }
    return this.#current
  }

  #finish(): void {
    const segment = this.#current
    if (segment === undefined) return
    this.#current = undefined
    this.#old.add(segment)
    if (segment.live === 0) this.#remove(segment)
  }

  #remove(segment: WalSegment): void {
    this.#old.delete(segment)
    try {
      closeSync(segment.fd)
      rmSync(segment.path, { force: true })
    } catch {
      this.failures++
    }
  }
}

/** Writes all of a text; returns how many bytes it has. */
function writeWhole(fd: number, text: string): number {
  const bytes = Buffer.byteLength(text)
  // As a string, since that makes no buffer: and a disk that has room takes it in one piece.
  let at = writeSync(fd, text)
  if (at < bytes) for (const rest = Buffer.from(text); at < bytes;) at += writeSync(fd, rest, at)
  return bytes
}
