/** A ContainerFactory whose operations are timed: how long create, suspend, resume and destroy take is what providers differ in. */

import type { Container, ContainerFactory } from '../containers/container-factory.ts'
import type { Clock } from '../model/clock.ts'

export type FactoryOperation = 'create' | 'suspend' | 'resume' | 'destroy'

/** Told of each operation that succeeded, with its duration in ms. */
export type ObserveOperation = (operation: FactoryOperation, ms: number) => void

/** The same factory, timed. Its containers are wrapped once each, so that `create` stays idempotent. */
export function measuredFactory(factory: ContainerFactory, clock: Clock, observe: ObserveOperation): ContainerFactory {
  const wrapped = new WeakMap<Container, Container>()

  async function timed<Result>(operation: FactoryOperation, work: () => Promise<Result>): Promise<Result> {
    const began = clock.monotonic()
    const result = await work()
    observe(operation, clock.monotonic() - began)
    return result
  }

  function wrap(container: Container): Container {
    const known = wrapped.get(container)
    if (known !== undefined) return known
    const measured: Container = {
      spec: container.spec,
      node: container.node,
      channel: container.channel,
      initialised: container.initialised === true,
      ended: container.ended,
      resize: (memoryMb) => container.resize(memoryMb),
      relabel: (labels) => container.relabel?.(labels),
      suspend: () => timed('suspend', () => container.suspend()),
      resume() {
        const began = clock.monotonic()
        const resumed = container.resume()
        if (resumed !== undefined) return resumed.then(() => observe('resume', clock.monotonic() - began))
        // A freezer write is done when it returns: no turn of the event loop is added.
        observe('resume', clock.monotonic() - began)
      },
      destroy: () => timed('destroy', () => container.destroy()),
    }
    wrapped.set(container, measured)
    return measured
  }

  return {
    provider: factory.provider,
    get canSuspend() {
      return factory.canSuspend === true
    },
    get canResize() {
      return factory.canResize === true
    },
    start: () => factory.start(),
    async create(spec, deadline) {
      const began = clock.monotonic()
      const container = await factory.create(spec, deadline)
      if (!wrapped.has(container)) observe('create', clock.monotonic() - began)
      return wrap(container)
    },
    list: () => factory.list(),
    remove: (id) => factory.remove(id),
    nodes: () => factory.nodes(),
    stop: () => factory.stop(),
  }
}
