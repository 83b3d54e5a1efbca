/** The admin API's way to another strategy of suspension while the platform runs: `GET` and `PUT /admin/pause`. */

import type { Pause } from '../containers/pause/falling-back-pause.ts'
import { PAUSE_NAMES } from '../containers/pause/pause-strategy.ts'
import type { AdminRoutes } from '../management/admin-route.ts'
import { textField } from '../management/admin-route.ts'
import { malformedContent, requirementFailed } from '../model/errors.ts'

const CHOICES = ['auto', ...PAUSE_NAMES] as const

/** Containers that are suspended are resumed by the strategy that did it, whatever is in force then. A restart goes by the configuration again. */
export function pauseRoutes(pause: Pick<Pause, 'chosen' | 'counters' | 'use'>): AdminRoutes {
  return {
    pause: {
      GET: () => ({ strategy: pause.chosen, counters: pause.counters }),
      async PUT(call) {
        const wanted = textField(await call.body(), 'strategy')
        const name = CHOICES.find((choice) => choice === wanted)
        if (name === undefined) throw malformedContent(`'strategy' must be one of ${CHOICES.join(', ')}`)
        call.note({ strategy: name })
        try {
          return { strategy: pause.use(name) }
        } catch (error) {
          throw requirementFailed(error instanceof Error ? error.message : String(error))
        }
      },
    },
  }
}
