/** The time that a small piece of work takes, by doing it many times. */

/** Microseconds a call. What `work` returns is looked at, so that the compiler cannot leave it out: a text that is built up lazily is flattened, too. */
export function microseconds(repeats: number, work: () => string): Promise<number> {
  const bytes = Buffer.allocUnsafe(64 * 1024)
  const startedAt = performance.now()
  for (let count = 0; count < repeats; count++) bytes.write(work(), 'latin1')
  return Promise.resolve(((performance.now() - startedAt) * 1000) / repeats)
}
