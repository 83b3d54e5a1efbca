/** The rows, in the order in which they run. */

import { allocator } from '../allocator.ts'
import { burst } from '../burst.ts'
import { coldProcess } from '../cold-process.ts'
import { coldStem } from '../cold-stem.ts'
import { fairness } from '../fairness.ts'
import { footprint } from '../footprint.ts'
import { idleContainer } from '../idle-container.ts'
import { listing } from '../listing.ts'
import { dockerCold } from '../docker-cold.ts'
import { dockerStem } from '../docker-stem.ts'
import { dockerUnpark } from '../docker-unpark.ts'
import { dockerWarm } from '../docker-warm.ts'
import { lifecycle } from '../lifecycle.ts'
import { newActions } from '../new-actions.ts'
import { record } from '../record.ts'
import { records } from '../records.ts'
import { rotationEvict } from '../rotation-evict.ts'
import { rotation } from '../rotation.ts'
import { routingTable } from '../routing-table.ts'
import { runMessageRow } from '../run-message.ts'
import { sequence } from '../sequence.ts'
import { throttling } from '../throttling.ts'
import { triggerFanout } from '../trigger-fanout.ts'
import { unpark } from '../unpark.ts'
import { warm } from '../warm.ts'
import type { Row } from './row.ts'

export const ROWS: readonly Row[] = [
  warm,
  coldStem,
  coldProcess,
  unpark,
  rotation,
  rotationEvict,
  burst,
  newActions,
  routingTable,
  records,
  sequence,
  triggerFanout,
  listing,
  throttling,
  fairness,
  allocator,
  idleContainer,
  footprint,
  record,
  runMessageRow,
  dockerCold,
  dockerStem,
  dockerWarm,
  dockerUnpark,
  lifecycle,
]
