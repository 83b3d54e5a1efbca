/**
 * Where activation records wait when neither the store takes them nor memory can hold more: files of lines in the data directory, a few megabytes
 * each, oldest first, of the lines of activation-lines.ts. Not synced to disk: it is as durable as the records in activations.db are.
 */

import type { FileHandle } from 'node:fs/promises'
import { appendFile, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lineOf, parseLine } from './activation-lines.ts'
import type { ActivationRow } from './activation-store.ts'
import { StoreUnavailable } from './artifact-store.ts'

export interface ActivationSpoolOptions {
  readonly directory: string
  /** All files together hold so many bytes at most. default 1 GB */
  readonly maxBytes?: number
  /** A file that has reached so many bytes is followed by another. It is read back in one piece on the main thread: 1 MB takes 5 ms. default 1 MB */
  readonly segmentBytes?: number
}

/** The oldest file's rows, and how to remove it when they are stored. */
export interface SpoolSegment {
  readonly rows: readonly ActivationRow[]
  remove(): Promise<void>
}

const MB = 1024 * 1024
const SEGMENT = /^activations-spool-(\d+)\.ndjson$/
/** Written ahead by an earlier process that did not live to store them (activation-wal.ts): read back as segments of the spool. */
const WRITTEN_AHEAD = /^activations-wal-\d+\.ndjson$/
const REJECTED = 'activations-rejected.ndjson'

export class ActivationSpool {
  readonly #options: ActivationSpoolOptions
  /** Bytes by number of the file, oldest first. */
  readonly #segments = new Map<number, number>()
  #current: { readonly number: number; readonly handle: FileHandle } | undefined
  #nextNumber = 1
  #turn: Promise<unknown> = Promise.resolve()
  #bytes = 0
  /** Lines that could not be read: the end of a file whose writer was killed. */
  unreadable = 0

  constructor(options: ActivationSpoolOptions) {
    this.#options = options
  }

  /** Bytes that wait in files. */
  get bytes(): number {
    return this.#bytes
  }

  /** Finds what an earlier process left. Rejects with `StoreUnavailable`. */
  open(): Promise<void> {
    return this.#inTurn(async () => {
      const { directory } = this.#options
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const names = await readdir(directory)
      const numbers = names.map((name) => Number(SEGMENT.exec(name)?.[1])).filter((each) => each > 0)
      for (const name of names.filter((each) => WRITTEN_AHEAD.test(each)).sort()) {
        const number = Math.max(0, ...numbers) + 1
        await rename(join(directory, name), this.#path(number))
        numbers.push(number)
      }
      for (const number of numbers.sort((one, other) => one - other)) {
        const { size } = await stat(this.#path(number))
        this.#segments.set(number, size)
        this.#bytes += size
        this.#nextNumber = number + 1
      }
    })
  }

  /** Appends lines. Rejects with `StoreUnavailable`: none of them counts as written then. */
  append(text: string): Promise<void> {
    return this.#inTurn(async () => {
      const lines = Buffer.from(text)
      if (this.#bytes + lines.length > (this.#options.maxBytes ?? 1024 * MB)) {
        throw new StoreUnavailable(`the spool of activation records is full (${this.#bytes} bytes)`)
      }
      const { number, handle } = this.#current ?? (await this.#begin())
      const before = this.#segments.get(number) ?? 0
      try {
        await handle.appendFile(lines)
      } catch (error) {
        // Half a line in the middle would spoil the next one; if even that cannot be mended, the next append begins another file.
        await handle.truncate(before).catch(() => this.#finish())
        throw error
      }
      this.#segments.set(number, before + lines.length)
      this.#bytes += lines.length
      if (before + lines.length >= (this.#options.segmentBytes ?? MB)) await this.#finish()
    })
  }

  /** The oldest file, or undefined when nothing waits. The same one until it is removed. Rejects with `StoreUnavailable`. */
  oldest(): Promise<SpoolSegment | undefined> {
    return this.#inTurn(async () => {
      const [number] = this.#segments.keys()
      if (number === undefined) return undefined
      if (this.#current?.number === number) await this.#finish()
      const content = await readFile(this.#path(number), 'utf8')
      const rows = content.split('\n').flatMap((line) => this.#rowOf(line))
      return { rows, remove: () => this.#inTurn(() => this.#remove(number)) }
    })
  }

  /** Puts a row that the store will never take where somebody can look at it. Rejects with `StoreUnavailable`. */
  reject(row: ActivationRow): Promise<void> {
    return this.#inTurn(() => appendFile(join(this.#options.directory, REJECTED), lineOf(row), { mode: 0o600 }))
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#finish())
  }

  async #begin(): Promise<{ readonly number: number; readonly handle: FileHandle }> {
    const number = this.#nextNumber
    const handle = await open(this.#path(number), 'a', 0o600)
    this.#nextNumber++
    this.#current = { number, handle }
    this.#segments.set(number, 0)
    return this.#current
  }

  async #finish(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    await current?.handle.close()
  }

  async #remove(number: number): Promise<void> {
    await rm(this.#path(number), { force: true })
    this.#bytes -= this.#segments.get(number) ?? 0
    this.#segments.delete(number)
  }

  #path(number: number): string {
    return join(this.#options.directory, `activations-spool-${String(number).padStart(8, '0')}.ndjson`)
  }

  #rowOf(line: string): readonly ActivationRow[] {
    if (line === '') return []
    const row = parseLine(line)
    if (row === undefined) this.unreadable++
    return row === undefined ? [] : [row]
  }

  /** One file operation at a time; file system errors become `StoreUnavailable`. */
  #inTurn<Result>(body: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(body).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) throw error
      throw new StoreUnavailable(`the spool of activation records: ${String(error)}`, {
        cause: error,
      })
    })
    this.#turn = result.catch(() => undefined)
    return result
  }
}
