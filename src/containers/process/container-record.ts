/**
 * What is kept on disk of each container while it lives, so that after a crash of the platform the next start finds and removes all of it:
 * one directory a container with `record.json`, written before anything is started.
 */

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import type { ContainerId } from '../../model/ids.ts'

const recordSchema = v.object({
  id: v.string(),
  labels: v.record(v.string(), v.string()),
  bootId: v.string(),
  /** Absent until the process has been started. */
  process: v.optional(v.object({ pid: v.number(), started: v.string() })),
  cgroups: v.array(v.string()),
})

export type ContainerRecord = Readonly<v.InferOutput<typeof recordSchema>>

const FILE = 'record.json'
/** Ids are made by the platform, but they become paths here. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

export interface ContainerRecords {
  /** Directory of a container; it exists after `write`. */
  directory(id: string): string
  write(record: ContainerRecord): void
  /** Ids of all containers that have a directory. */
  ids(): readonly string[]
  /** Undefined when there is none, or it was cut off by a crash: what it names is then found by its control group alone. */
  read(id: string): ContainerRecord | undefined
  remove(id: string): void
}

/** True when the id may be a directory's name. */
export function isSafeId(id: string): boolean {
  return SAFE_ID.test(id)
}

/** Records below `directory`, which is made when it is missing. */
export function openContainerRecords(directory: string): ContainerRecords {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const at = (id: string): string => join(directory, id)
  return {
    directory: at,
    write(record) {
      mkdirSync(at(record.id), { recursive: true, mode: 0o700 })
      const draft = join(at(record.id), `${FILE}.new`)
      writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
      renameSync(draft, join(at(record.id), FILE))
      // For the guard, a shell that should not have to read JSON.
      if (record.process !== undefined) writeFileSync(join(at(record.id), 'pid'), `${record.process.pid}\n`)
    },
    ids: () => readdirSync(directory).filter((name) => isSafeId(name)),
    read(id) {
      try {
        const parsed = v.safeParse(recordSchema, JSON.parse(readFileSync(join(at(id), FILE), 'utf8')))
        return parsed.success ? parsed.output : undefined
      } catch {
        return undefined
      }
    },
    remove(id) {
      rmSync(at(id), { recursive: true, force: true })
    },
  }
}

/** The record's id as the platform's type: the name of its directory was checked when it was listed. */
export function recordId(id: string): ContainerId {
  return id as ContainerId
}
