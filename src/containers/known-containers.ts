/** The containers that a factory holds or is starting, one promise an id: what makes `create` idempotent, and `stop` complete. */

import type { ContainerId } from '../model/ids.ts'
import type { Container, ContainerEnd } from './container-factory.ts'

export interface KnownContainers<Kind extends Container> {
  readonly size: number
  has(id: ContainerId): boolean
  /** The container of that id, or the start of it. */
  get(id: ContainerId): Promise<Kind> | undefined
  /** The container of that id; where there is none `begin` starts it. Forgotten when it fails to start or ends, which `onEnd` is told. */
  start(id: ContainerId, begin: () => Promise<Kind>, onEnd: (container: Kind, end: ContainerEnd) => void): Promise<Kind>
  /** Destroys all, those that are being started as soon as they are. Resolves when nothing is left of them; never rejects. */
  destroyAll(): Promise<void>
}

export function knownContainers<Kind extends Container = Container>(): KnownContainers<Kind> {
  const containers = new Map<ContainerId, Promise<Kind>>()
  return {
    get size() {
      return containers.size
    },
    has: (id) => containers.has(id),
    get: (id) => containers.get(id),
    start(id, begin, onEnd) {
      const known = containers.get(id)
      if (known !== undefined) return known
      const starting = begin()
      containers.set(id, starting)
      const forget = (): void => {
        if (containers.get(id) === starting) containers.delete(id)
      }
      starting.then(
        (container) =>
          container.ended.then((end) => {
            onEnd(container, end)
            forget()
          }),
        forget,
      )
      return starting
    },
    async destroyAll() {
      await Promise.all(
        [...containers.values()].map((starting) =>
          starting.then(
            (container) => container.destroy(),
            () => undefined,
          ),
        ),
      )
    },
  }
}
