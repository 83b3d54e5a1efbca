/** Bounds the container starts under way: each burns a CPU for tens of ms, and more at once than there are CPUs only makes all of them late. */

import type { Clock } from '../../model/clock.ts'
import type { Deadline } from '../../model/deadline.ts'
import { remainingMs } from '../../model/deadline.ts'
import { ContainerStartError } from '../container-factory.ts'

/** More waiting starts than this are refused: no host serves them before their deadlines. */
const MAX_WAITING = 4096

export interface StartGate {
  /** Resolves with how to leave when it is this start's turn. Rejects with `timedOut` at the deadline, with `noCapacity` when too many wait. */
  enter(deadline: Deadline): Promise<() => void>
  readonly waiting: number
  readonly underWay: number
}

export function createStartGate(width: number, clock: Clock): StartGate {
  let underWay = 0
  const queue = new Set<{ readonly admit: () => void }>()
  const leave = (): (() => void) => {
    let left = false
    return () => {
      if (left) return
      left = true
      underWay--
      const [next] = queue
      next?.admit()
    }
  }
  return {
    enter(deadline) {
      if (underWay < width) {
        underWay++
        return Promise.resolve(leave())
      }
      if (queue.size >= MAX_WAITING) {
        return Promise.reject(new ContainerStartError('noCapacity', `${MAX_WAITING} container starts are waiting`))
      }
      return new Promise((resolve, reject) => {
        const entry = {
          admit() {
            clearTimeout(timer)
            queue.delete(entry)
            underWay++
            resolve(leave())
          },
        }
        const timer = setTimeout(
          () => {
            queue.delete(entry)
            reject(new ContainerStartError('timedOut', 'the deadline passed before the container could be started'))
          },
          remainingMs(deadline, clock),
        ).unref()
        queue.add(entry)
      })
    },
    get waiting() {
      return queue.size
    },
    get underWay() {
      return underWay
    },
  }
}
