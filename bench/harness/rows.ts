/** The rows, in the order in which they run. */

import { allocator } from '../allocator.ts'
import { burst } from '../burst.ts'
import { coldProcess } from '../cold-process.ts'
import { coldStem } from '../cold-stem.ts'
import { footprint } from '../footprint.ts'
import { idleContainer } from '../idle-container.ts'
import { newActions } from '../new-actions.ts'
import { record } from '../record.ts'
import { records } from '../records.ts'
import { rotationEvict } from '../rotation-evict.ts'
import { rotation } from '../rotation.ts'
import { routingTable } from '../routing-table.ts'
import { runMessageRow } from '../run-message.ts'
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
  allocator,
  idleContainer,
  footprint,
  record,
  runMessageRow,
]
