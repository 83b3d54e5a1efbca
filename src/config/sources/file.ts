/** The configuration file: YAML (so JSON as well), keys nested as in the schema. */

import { KEYS } from '../keys.ts'
import type { Key } from '../keys.ts'
import { reasonOf } from '../setting.ts'
import type { Problem, ReadFile, Reading, Setting } from '../setting.ts'

/** Bounds what is handed to the YAML parser; a configuration file is a few kilobytes. */
const MAX_FILE_CHARACTERS = 1_048_576

/** Reads the file at `path`. What cannot be read or parsed, and keys that nobody knows, become problems. */
export async function readConfigFile(path: string, readFile: ReadFile): Promise<Reading> {
  let document: unknown
  try {
    const source = readFile(path)
    if (source.length > MAX_FILE_CHARACTERS)
      return failed(`${path} is larger than 1 MB: this is no configuration file.`)
    // Loaded here because it costs 10 MB and most processes have no file.
    const { parse } = await import('yaml')
    document = parse(source, { logLevel: 'error' })
  } catch (error) {
    return failed(`The configuration file ${path} cannot be read: ${reasonOf(error)}`)
  }
  if (document === null || document === undefined) return { settings: [], problems: [], warnings: [] }
  const settings: Setting[] = []
  const problems: Problem[] = []
  const byName = new Map(KEYS.map((key) => [key.name, key]))
  const groups = new Set(KEYS.flatMap((key) => groupsOf(key)))
  collect(document, '')
  return { settings, problems, warnings: [] }

  function collect(node: unknown, name: string): void {
    const key = byName.get(name)
    // An empty value is one that is not set, as in the environment.
    if (node === null || node === undefined) return
    if (key !== undefined) settings.push({ key, raw: node, origin: { source: 'file', name: path } })
    else if (name !== '' && !groups.has(name)) {
      const candidates = [...byName.keys(), ...groups]
      problems.push({ message: `${path}: there is no key ${name}.`, unknown: { name, candidates } })
    } else if (typeof node !== 'object' || Array.isArray(node))
      problems.push({ message: `${path}: ${name === '' ? 'the file' : name} must be a group of keys, not a value.` })
    else for (const [part, value] of Object.entries(node)) collect(value, name === '' ? part : `${name}.${part}`)
  }
}

/** `limits` and `limits.timeout` of `limits.timeout.max`. */
function groupsOf(key: Key): string[] {
  const parts = key.name.split('.')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'))
}

function failed(message: string): Reading {
  return { settings: [], problems: [{ message }], warnings: [] }
}
