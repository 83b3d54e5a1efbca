/** A small map that outlives the process in a file of JSON. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import * as v from 'valibot'
import { isJsonObject } from '../../model/json.ts'
import type { DockerLog } from './settings.ts'

export interface FileMap<Value> {
  /** To be changed at will; what is to outlive the process must be saved. */
  readonly entries: Map<string, Value>
  /** Writes the entries as they are when it is this write's turn. Never throws: what could not be written is told to the log. */
  save(): void
  /** Resolves when everything that was saved is written. */
  saved(): Promise<void>
}

/** Reads the map, whose values are of `schema`. A file that cannot be read, or holds something else, counts as empty. */
export async function openFileMap<Value>(
  file: string,
  schema: v.GenericSchema<unknown, Value>,
  log: Pick<DockerLog, 'warn'>,
): Promise<FileMap<Value>> {
  const entries = new Map(Object.entries(await read(file, v.record(v.string(), schema))))
  let saving = Promise.resolve()
  let isDue = false
  return {
    entries,
    save() {
      if (isDue) return
      isDue = true
      saving = saving
        .then(async () => {
          isDue = false
          // A name that is replaced as a whole is never half written.
          await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(entries)))
          await rename(`${file}.new`, file)
        })
        .catch((error: unknown) => log.warn({ file, error }, `${file} could not be written`))
    },
    saved: () => saving,
  }
}

async function read<Output>(
  file: string,
  schema: v.GenericSchema<unknown, Record<string, Output>>,
): Promise<Record<string, Output>> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isJsonObject(content) ? v.parse(schema, content) : {}
  } catch {
    return {}
  }
}
