/** `STAVE_…` variables: one a key, and `…_FILE` for the name of a file that holds the value. */

import { KEYS } from '../keys.ts'
import { reasonOf } from '../setting.ts'
import type { Environment, Problem, ReadFile, Reading, Setting } from '../setting.ts'

/** Names the configuration file; it is no key. */
export const CONFIG_VARIABLE = 'STAVE_CONFIG'

const PREFIX = 'STAVE_'

/**
 * Variables that Kubernetes puts into every pod of a namespace with a service called `stave` or `stave-…`. `STAVE_PORT` is among them, with a
 * URL as its value: taken as the port it would keep the pod from starting.
 */
const SERVICE_LINK =
  /_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const SERVICE_URL = /^(?:tcp|udp|sctp):\/\//

/** Reads the keys' variables. Empty ones are unset; names that nobody knows become problems. */
export function readEnvironment(env: Environment, readFile: ReadFile): Reading {
  const settings: Setting[] = []
  const problems: Problem[] = []
  const warnings: string[] = []
  const byVariable = new Map(KEYS.map((key) => [key.variable, key]))
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === CONFIG_VARIABLE || value === undefined || value.trim() === '') continue
    const key = byVariable.get(name)
    const fileOf = key === undefined && name.endsWith('_FILE') ? byVariable.get(name.slice(0, -5)) : undefined
    if (isServiceLink(name, value, key !== undefined)) {
      if (key !== undefined) warnings.push(`${name} is a Kubernetes service link, not a setting: ignored.`)
    } else if (key !== undefined) settings.push({ key, raw: value, origin: { source: 'environment', name } })
    else if (fileOf === undefined)
      problems.push({
        message: `There is no setting ${name}.`,
        unknown: { name, candidates: [CONFIG_VARIABLE, ...byVariable.keys()] },
      })
    else if ((env[fileOf.variable] ?? '').trim() !== '')
      problems.push({ message: `${name} and ${fileOf.variable} are both set: keep one of them.` })
    else {
      const raw = contentOf(name, value.trim())
      if (raw !== undefined) settings.push({ key: fileOf, raw, origin: { source: 'environment', name } })
    }
  }
  return { settings, problems, warnings }

  function contentOf(name: string, file: string): string | undefined {
    try {
      const content = readFile(file).trim()
      if (content !== '') return content
      warnings.push(`${name} names an empty file (${file}): the setting keeps its default.`)
    } catch (error) {
      problems.push({ message: `${name} names a file that cannot be read: ${reasonOf(error)}` })
    }
    return undefined
  }
}

function isServiceLink(name: string, value: string, isKey: boolean): boolean {
  if (name.endsWith('_PORT') && SERVICE_URL.test(value)) return true
  return !isKey && SERVICE_LINK.test(name)
}
