/** Carries the pool's orders to the container factory and reports what came of them. It holds the handles; what they mean is decided elsewhere. */

import type {
  Container,
  ContainerFactory,
  ContainerListing,
  ContainerSpec,
  StartFailure,
} from '../containers/container-factory.ts'
import { ContainerStartError } from '../containers/container-factory.ts'
import type { Cancel, Clock, Timers } from '../model/clock.ts'
import { deadlineIn } from '../model/deadline.ts'
import type { ContainerId } from '../model/ids.ts'

export interface FactoryReports {
  /** Answers false when nobody wants the container any more: it is destroyed then. */
  created(id: ContainerId, node: string): boolean
  createFailed(id: ContainerId, failure: StartFailure, message: string): void
  resized(id: ContainerId, possible: boolean): void
  /** The container has ended and nothing is left of it. May come twice. */
  ended(id: ContainerId, reason: string): void
  /** Something did not work that the next reconcile puts right. */
  troubled(message: string, id: ContainerId, error: string): void
}

export interface FactoryDriverDeps {
  readonly factory: ContainerFactory
  readonly clock: Clock
  readonly timers: Timers
  readonly startTimeoutMs: number
  readonly reports: FactoryReports
}

/** How long the factory may take to answer a list, in ms. */
const LIST_MS = 10_000

/** The methods never throw or reject, `list` excepted. */
export class FactoryDriver {
  readonly #deps: FactoryDriverDeps
  readonly #containers = new Map<ContainerId, Container>()

  constructor(deps: FactoryDriverDeps) {
    this.#deps = deps
  }

  /** The handle of a container that runs. */
  container(id: ContainerId): Container | undefined {
    return this.#containers.get(id)
  }

  async create(spec: ContainerSpec): Promise<void> {
    const { factory, clock, startTimeoutMs, reports } = this.#deps
    let container: Container
    try {
      container = await factory.create(spec, deadlineIn(startTimeoutMs, clock))
    } catch (error) {
      const failure = error instanceof ContainerStartError ? error.failure : 'startFailed'
      reports.createFailed(spec.id, failure, messageOf(error))
      return
    }
    this.#containers.set(spec.id, container)
    void container.ended.then((end) => this.#ended(spec.id, end.cause === 'lost' ? end.reason : end.cause))
    if (!reports.created(spec.id, container.node)) await container.destroy()
  }

  async resize(id: ContainerId, memoryMb: number): Promise<void> {
    const { reports } = this.#deps
    let possible = false
    try {
      possible = (await this.#containers.get(id)?.resize(memoryMb)) === true
    } catch (error) {
      reports.troubled('a stem cell could not be resized', id, messageOf(error))
    }
    reports.resized(id, possible)
  }

  relabel(id: ContainerId, labels: ContainerSpec['labels']): void {
    this.#containers.get(id)?.relabel?.(labels)
  }

  async destroy(id: ContainerId): Promise<void> {
    const container = this.#containers.get(id)
    if (container === undefined) return this.remove(id)
    await container.destroy()
    this.#ended(id, 'destroyed')
  }

  /** Removes a container that has no handle here. */
  async remove(id: ContainerId): Promise<void> {
    try {
      await this.#deps.factory.remove(id)
    } catch (error) {
      this.#deps.reports.troubled('a container could not be removed', id, messageOf(error))
    }
  }

  /** What the factory lists; rejects when it cannot or does not in time. */
  async list(): Promise<readonly ContainerListing[]> {
    let cancel: Cancel | undefined
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#deps.timers.after(LIST_MS, () => reject(new Error(`no answer within ${LIST_MS} ms`)))
    })
    try {
      return await Promise.race([this.#deps.factory.list(), late])
    } finally {
      cancel?.()
    }
  }

  #ended(id: ContainerId, reason: string): void {
    if (this.#containers.delete(id)) this.#deps.reports.ended(id, reason)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
