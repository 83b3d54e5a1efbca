/** No suspension: idle containers go on running. */

import type { PauseStrategy } from './pause-strategy.ts'

export const noPause: PauseStrategy = {
  name: 'none',
  suspend: () => Promise.resolve(),
  resume: () => undefined,
}
