/** A router on its own, in a process of its own, as a target of load. */

import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'

export interface BareRouter {
  readonly target: LoadTarget
  /** What it keeps of an action. */
  readonly bytesPerAction: number
  /** Says whether calls are counted and told of their limits from now on; resolves with the us of user time that its main thread has used by then. */
  setLimited(limited: boolean): Promise<number>
}

/** Starts `router-server.ts` with that many actions. Calls are limited. */
export async function startRouter(bench: Workbench, actions: number): Promise<BareRouter> {
  const child = await bench.start(process.execPath, [
    '--expose-gc',
    `${bench.options.root}/bench/limits/router-server.ts`,
    String(actions),
    bench.directory(),
  ])
  const facts = JSON.parse(await child.line('"bytesPerAction"')) as Pick<BareRouter, 'target' | 'bytesPerAction'>
  return {
    ...facts,
    async setLimited(limited) {
      child.stdin.write(limited ? 'limited\n' : 'unlimited\n')
      const { user } = JSON.parse(await child.line('"user"')) as { readonly user: number }
      return user
    },
  }
}
