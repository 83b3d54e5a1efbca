/** A process that opens the stores of a directory, made or not, and stores some subjects and records in it. For open.test.ts. */

import { activationRow } from '../activation-store.ts'
import { subjectOf } from '../artifact-fixtures.ts'
import { systemClock } from '../../../src/model/clock.ts'
import { openSqliteStores } from '../../../src/stores/sqlite/open.ts'

const [, , dataDir = '', name = '', count = '0'] = process.argv
const stores = await openSqliteStores({ dataDir, clock: systemClock, openNow: ['artifacts', 'activations'] })
for (let index = 0; index < Number(count); index++) {
  await Promise.all([
    stores.artifacts.putSubject(subjectOf(`${name}${index}`, ['common']), undefined),
    stores.activations.append([activationRow('common', `${name}${index % 3}`, index)]),
  ])
}
await stores.close()
