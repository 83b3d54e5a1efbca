/** Liveness and readiness: named checks, each with a time limit, and reasons for people and probes. */

import type { Clock } from '../model/clock.ts'
import { redactText } from './redact.ts'

export interface HealthReason {
  readonly name: string
  readonly reason: string
}

export interface Readiness {
  readonly ready: boolean
  /** Why not; empty when ready. */
  readonly reasons: readonly HealthReason[]
}

export interface HealthOptions {
  readonly clock: Clock
  /** Time that one check may take. */
  readonly checkTimeoutMs?: number
  /** Time that an answer is given again without checking: probes come from several places at once. */
  readonly cacheMs?: number
}

/** Returns, or resolves, when all is well; throws, or rejects, with the reason when not. */
export type HealthCheck = () => void | Promise<void>

/** The checks of a process. Nothing runs by itself: who asks pays. */
export class HealthRegistry {
  readonly #clock: Clock
  readonly #checkTimeoutMs: number
  readonly #cacheMs: number
  readonly #checks = new Map<string, HealthCheck>()
  /** Checks that have not come back yet, so that a hanging one is not started again with every probe. */
  readonly #running = new Map<string, Promise<string | undefined>>()
  #cached: { readonly at: number; readonly readiness: Readiness } | undefined
  #pending: Promise<Readiness> | undefined
  #draining: string | undefined
  #dead: HealthReason | undefined

  constructor(options: HealthOptions) {
    this.#clock = options.clock
    this.#checkTimeoutMs = options.checkTimeoutMs ?? 2000
    this.#cacheMs = options.cacheMs ?? 1000
  }

  /** Adds a readiness check. Throws when the name is taken. Returns how to remove it. */
  add(name: string, check: HealthCheck): () => void {
    if (this.#checks.has(name)) throw new TypeError(`there are two health checks called ${name}`)
    this.#checks.set(name, check)
    this.#cached = undefined
    return () => {
      if (this.#checks.get(name) === check) this.#checks.delete(name)
      this.#cached = undefined
    }
  }

  /** From now on not ready, without asking any check: the process is shutting down. */
  drain(reason: string): void {
    this.#draining = reason
  }

  /** From now on not alive: only a restart helps. */
  declareDead(name: string, reason: string): void {
    this.#dead ??= { name, reason: redactText(reason) }
  }

  /** Whether a restart is needed. An event loop that hangs shows by giving no answer at all. */
  liveness(): { readonly alive: boolean; readonly reasons: readonly HealthReason[] } {
    return { alive: this.#dead === undefined, reasons: this.#dead === undefined ? [] : [this.#dead] }
  }

  /** Whether requests should come here. Takes at most the time limit of one check; never rejects. */
  readiness(): Promise<Readiness> {
    const refusal =
      this.#dead ?? (this.#draining === undefined ? undefined : { name: 'shutdown', reason: this.#draining })
    if (refusal !== undefined) return Promise.resolve({ ready: false, reasons: [refusal] })
    const cached = this.#cached
    if (cached !== undefined && this.#clock.monotonic() - cached.at < this.#cacheMs)
      return Promise.resolve(cached.readiness)
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #ask(): Promise<Readiness> {
    const answers = await Promise.all(
      [...this.#checks].map(async ([name, check]): Promise<HealthReason[]> => {
        const reason = await this.#run(name, check)
        return reason === undefined ? [] : [{ name, reason: redactText(reason) }]
      }),
    )
    const reasons = answers.flat()
    const readiness = { ready: reasons.length === 0, reasons }
    this.#cached = { at: this.#clock.monotonic(), readiness }
    return readiness
  }

  async #run(name: string, check: HealthCheck): Promise<string | undefined> {
    const running = this.#running.get(name) ?? this.#start(name, check)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, this.#checkTimeoutMs, `no answer within ${this.#checkTimeoutMs} ms`)
      timer.unref()
    })
    try {
      return await Promise.race([running, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #start(name: string, check: HealthCheck): Promise<string | undefined> {
    const outcome = failureOf(check).finally(() => {
      this.#running.delete(name)
    })
    this.#running.set(name, outcome)
    return outcome
  }
}

async function failureOf(check: HealthCheck): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
