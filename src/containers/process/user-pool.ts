/** Numeric users for containers: one each while it lives, so that none can signal or read another, and so that per-user limits are per container. */

export interface UserPool {
  /** A user nobody has, or undefined when all are taken. */
  take(): number | undefined
  giveBack(uid: number): void
  readonly first: number
  readonly count: number
}

/** The users first .. first + count - 1, handed out in a circle: a number is used again as late as possible. */
export function createUserPool(first: number, count: number): UserPool {
  const taken = new Set<number>()
  let next = 0
  return {
    first,
    count,
    take() {
      for (let tried = 0; tried < count; tried++) {
        const uid = first + next
        next = (next + 1) % count
        if (!taken.has(uid)) {
          taken.add(uid)
          return uid
        }
      }
      return undefined
    },
    giveBack(uid) {
      taken.delete(uid)
    },
  }
}
