/** Hands records to the writer, those excepted that are not to be kept: by the namespace's own limit, or by the storage level of the call. */

import type { ActivationRecord } from '../model/activation.ts'
import type { Identity } from '../model/identity.ts'
import type { RecordOrigin, StorageLevels } from '../model/storage-level.ts'
import { isKept } from '../model/storage-level.ts'
import type { ActivationWriter } from '../stores/activation-writer.ts'

export interface RecordKeeper {
  /** Records that were not kept. */
  readonly counters: { unstored: number }
  /** As `ActivationWriter.record`; undefined when there is nothing to wait for. */
  record(record: ActivationRecord, identity: Identity, origin?: RecordOrigin): Promise<void> | undefined
  /** As `ActivationWriter.store`. `identity` is undefined where the namespace is gone: its levels hold all the same. */
  store(record: ActivationRecord, identity: Identity | undefined, origin?: RecordOrigin): Promise<void>
}

/** What a record is taken to come from where nothing is told: a call that nobody waits for. */
const UNTOLD: RecordOrigin = {}

export function createRecordKeeper(
  writer: Pick<ActivationWriter, 'record' | 'store'>,
  levels: StorageLevels,
): RecordKeeper {
  const counters = { unstored: 0 }

  function keeps(record: ActivationRecord, identity: Identity | undefined, origin: RecordOrigin): boolean {
    if (identity?.limits.storeActivations !== false && isKept(record.outcome.statusCode, origin, levels)) return true
    counters.unstored++
    return false
  }

  return {
    counters,
    record: (record, identity, origin = UNTOLD) =>
      keeps(record, identity, origin) ? writer.record(record) : undefined,
    async store(record, identity, origin = UNTOLD) {
      if (keeps(record, identity, origin)) await writer.store(record)
    },
  }
}
