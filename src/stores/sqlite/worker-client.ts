/** The main thread's end of the stores' worker: calls of one turn of the event loop go as one message; calls are bounded by number, bytes and time. */

import { Worker } from 'node:worker_threads'
import type { Clock } from '../../model/clock.ts'
import { StoreUnavailable } from '../artifact-store.ts'
import { errorOf } from './failure.ts'
import type { ArgsOf, Control, Operations, Reply, Request, ResultOf, StoreName, Wire, WorkerData } from './protocol.ts'
import { weigh } from './protocol.ts'

export interface WorkerClientOptions {
  readonly databases: WorkerData['databases']
  readonly busyTimeoutMs: number
  /** A call that has no answer after so many ms is rejected, and left undone if the worker has not begun it. */
  readonly operationTimeoutMs: number
  /** Calls under way at most; more are rejected at once. */
  readonly maxCalls: number
  /** Characters in the arguments of calls under way at most. */
  readonly maxCharacters: number
  readonly clock: Clock
  /** The thread's program. default worker.ts; tests give one that fails */
  readonly workerFile?: URL
}

interface Call {
  readonly at: number
  readonly characters: number
  readonly resolve: (value: Wire) => void
  readonly reject: (error: Error) => void
}

/** Code of 48 MB as text, several at once, must fit; a limit, not a reservation. */
const OLD_GENERATION_MB = 512
/** Small, because what survives a call is little: it keeps the thread's resident memory at 20 MB. */
const YOUNG_GENERATION_MB = 4
const STACK_MB = 2
// Compiled releases have .js files, and only import specifiers are rewritten by the compiler.
const WORKER_FILE = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
const TIMEOUT_CHECK_MS = 250
const RESTART_PAUSE_MS = 500

export class WorkerClient {
  readonly #options: WorkerClientOptions
  /** By id, oldest first: all calls have the same time, so the first one is the next to expire. */
  readonly #calls = new Map<number, Call>()
  readonly #floor = new BigInt64Array(new SharedArrayBuffer(8))
  readonly #expiry: NodeJS.Timeout
  #worker: Worker | undefined
  #startedAt = -Infinity
  #outbox: Request[] = []
  #lastId = 0
  #characters = 0
  #closed = false
  /** Calls that ended in a timeout, that were refused because too many were under way, and times that the thread died. */
  timeouts = 0
  refused = 0
  crashes = 0

  constructor(options: WorkerClientOptions) {
    this.#options = options
    this.#expiry = setInterval(() => this.#expire(), TIMEOUT_CHECK_MS).unref()
  }

  /** Calls that have no answer yet. */
  get underWay(): number {
    return this.#calls.size
  }

  /** Runs an operation in the worker. Rejects with `StoreUnavailable`, `RevisionConflict`, `OpenRefused` or a plain `Error` for defects. */
  call<Store extends StoreName, Name extends keyof Operations[Store] & string>(
    store: Store,
    operation: Name,
    ...args: ArgsOf<Operations[Store][Name]>
  ): Promise<ResultOf<Operations[Store][Name]>> {
    return this.#send(store, operation, args) as Promise<ResultOf<Operations[Store][Name]>>
  }

  /** Opens a database, which its first use would do as well; closes it when the calls before have been answered. */
  async control(store: StoreName, control: Control): Promise<void> {
    await this.#send(store, control, [])
  }

  /** Ends the thread; what is still under way is rejected. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#expiry)
    const worker = this.#worker
    this.#worker = undefined
    this.#rejectAll(new StoreUnavailable('the store is closed'))
    if (worker === undefined) return
    await worker.terminate()
  }

  #send(store: StoreName, operation: string, args: readonly Wire[]): Promise<Wire> {
    const characters = weigh(args)
    if (this.#closed) return Promise.reject(new StoreUnavailable('the store is closed'))
    if (this.#calls.size >= this.#options.maxCalls || this.#characters > this.#options.maxCharacters) {
      this.refused++
      return Promise.reject(new StoreUnavailable(`too many calls wait for the store (${this.#calls.size})`))
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      if (this.#calls.size === 0) this.#worker?.ref()
      this.#calls.set(id, { at: this.#options.clock.monotonic(), characters, resolve, reject })
      this.#characters += characters
      this.#outbox.push([id, store, operation, args])
      if (this.#outbox.length === 1) setImmediate(() => this.#post())
    })
  }

  #post(): void {
    const requests = this.#outbox
    this.#outbox = []
    if (this.#closed || requests.length === 0) return
    const worker = this.#worker ?? this.#start()
    if (worker === undefined)
      this.#rejectAll(new StoreUnavailable('the thread of the store ended and is about to be started again'))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    else worker.postMessage(requests)
  }

  /** A thread, unless the last one was started a moment ago: one that dies at once must not be started in a loop. */
  #start(): Worker | undefined {
    const now = this.#options.clock.monotonic()
    if (now - this.#startedAt < RESTART_PAUSE_MS) return undefined
    this.#startedAt = now
    const { databases, busyTimeoutMs } = this.#options
    const workerData: WorkerData = { databases, busyTimeoutMs, floor: this.#floor.buffer }
    const worker = new Worker(this.#options.workerFile ?? WORKER_FILE, {
      workerData,
      name: 'stores',
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        stackSizeMb: STACK_MB,
      },
    })
    worker.on('message', (replies: readonly Reply[]) => this.#receive(replies))
    worker.on('error', (error) => this.#lost(worker, error.message))
    worker.on('exit', (code) => this.#lost(worker, `exit code ${code}`))
    this.#worker = worker
    return worker
  }

  #receive(replies: readonly Reply[]): void {
    for (const [id, result, failure] of replies) {
      const call = this.#calls.get(id)
      if (call === undefined) continue
      this.#forget(id, call)
      if (failure === undefined) call.resolve(result)
      else call.reject(errorOf(failure))
    }
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.crashes++
    this.#rejectAll(new StoreUnavailable(`the thread of the store ended: ${reason}`))
  }

  #expire(): void {
    const oldest = this.#options.clock.monotonic() - this.#options.operationTimeoutMs
    for (const [id, call] of this.#calls) {
      if (call.at > oldest) return
      Atomics.store(this.#floor, 0, BigInt(id + 1))
      this.timeouts++
      this.#forget(id, call)
      call.reject(new StoreUnavailable(`the store did not answer within ${this.#options.operationTimeoutMs} ms`))
    }
  }

  #rejectAll(error: Error): void {
    for (const [id, call] of this.#calls) {
      this.#forget(id, call)
      call.reject(error)
    }
  }

  #forget(id: number, call: Call): void {
    this.#calls.delete(id)
    this.#characters -= call.characters
    // An idle thread does not keep the process alive, a caller that waits does.
    if (this.#calls.size === 0) this.#worker?.unref()
  }
}
