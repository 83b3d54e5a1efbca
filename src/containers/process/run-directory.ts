/** The directory of what lives only as long as the platform runs, held by one process at a time: whoever starts removes what it finds in it. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as v from 'valibot'
import { bootId, readProcess } from './process-table.ts'

const ownerSchema = v.object({ pid: v.number(), started: v.string(), bootId: v.string() })

/** Name of the control groups of a data directory starts with this. */
export const GROUP_PREFIX = 'stave-'

export interface RunDirectory {
  /** Control groups that held the containers of earlier processes; they may have been started in another place of the hierarchy. */
  readonly formerGroups: readonly string[]
  /** Notes the control groups that hold the containers from now on. */
  noteGroups(groups: readonly string[]): void
  /** Lets another process have the directory. Idempotent. */
  release(): void
}

/** Takes the directory, making it when it is missing. Throws when a living process has it. */
export function claimRunDirectory(path: string): RunDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const ownerFile = join(path, 'owner.json')
  const groupsFile = join(path, 'cgroups')
  const owner = readOwner(ownerFile)
  if (owner !== undefined && owner.bootId === bootId() && readProcess(owner.pid)?.started === owner.started) {
    throw new Error(
      `${path} is in use by process ${owner.pid}: stop it, or give this one another data directory (OW001)`,
    )
  }
  const { pid } = process
  writeFileSync(ownerFile, JSON.stringify({ pid, started: readProcess(pid)?.started ?? '', bootId: bootId() }), {
    mode: 0o600,
  })
  return {
    formerGroups: readLines(groupsFile).filter((directory) => basename(directory).startsWith(GROUP_PREFIX)),
    noteGroups(groups) {
      writeFileSync(groupsFile, groups.map((directory) => `${directory}\n`).join(''), { mode: 0o600 })
    },
    release() {
      rmSync(ownerFile, { force: true })
    },
  }
}

function readOwner(file: string): v.InferOutput<typeof ownerSchema> | undefined {
  try {
    const parsed = v.safeParse(ownerSchema, JSON.parse(readFileSync(file, 'utf8')))
    return parsed.success ? parsed.output : undefined
  } catch {
    // None yet, or cut off by a crash: nobody has it.
    return undefined
  }
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
