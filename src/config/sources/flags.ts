/** Command-line flags as data: the CLI registers them, the loader reads them. */

import type { Form } from '../field.ts'
import { KEYS } from '../keys.ts'
import type { Key } from '../keys.ts'
import type { Problem, Reading, Setting } from '../setting.ts'

export interface FlagDefinition {
  /** Without dashes: `data-dir`. */
  readonly name: string
  /** What follows the flag, as commander writes it: `<number>`; `[boolean]` where the flag alone means true. */
  readonly argument: string
  readonly description: string
  /** One of the few that a short help shows; the rest are as many as there are keys. */
  readonly common: boolean
}

/** Values by flag name, `data-dir` or (as commander hands them out) `dataDir`. Undefined ones were not given. */
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

/** The flag that names the configuration file; it is no key. */
export const CONFIG_FLAG = 'config'

/** What a value looks like in the CLI's help. */
const ARGUMENTS: Readonly<Record<Form['type'], string>> = {
  integer: '<number>',
  text: '<text>',
  path: '<path>',
  flag: '[boolean]',
  choice: '<choice>',
  amounts: '<json>',
  paths: '<json>',
  list: '<list>',
  lists: '<json>',
}

const COMMON = new Set(['host', 'port', 'data-dir', 'containers', 'trusted'])

/** Every flag: the common ones first, then one a key in the order of the schema. */
export const FLAGS: readonly FlagDefinition[] = [
  {
    name: CONFIG_FLAG,
    argument: '<file>',
    description: 'Configuration file (YAML or JSON); also STAVE_CONFIG.',
    common: true,
  },
  ...KEYS.map(flagOf).sort((a, b) => Number(b.common) - Number(a.common)),
]

/** Reads the keys' flags; names that nobody knows become problems. */
export function readFlags(flags: FlagValues): Reading {
  const settings: Setting[] = []
  const problems: Problem[] = []
  const warnings: string[] = []
  const byName = new Map(KEYS.map((key) => [key.flag, key]))
  for (const [given, raw] of Object.entries(flags)) {
    const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const key = byName.get(name)
    if (raw === undefined || name === CONFIG_FLAG) continue
    if (key === undefined) {
      const candidates = [CONFIG_FLAG, ...byName.keys()].map((flag) => `--${flag}`)
      problems.push({ message: `There is no flag --${name}.`, unknown: { name: `--${name}`, candidates } })
      continue
    }
    if (key.field.secret)
      warnings.push(`--${name} shows a secret to every user of this host: give it by ${key.variable}_FILE instead.`)
    settings.push({ key, raw, origin: { source: 'flag', name } })
  }
  return { settings, problems, warnings }
}

function flagOf(key: Key): FlagDefinition {
  return {
    name: key.flag,
    argument: ARGUMENTS[key.field.form.type],
    description: key.field.doc,
    common: COMMON.has(key.flag),
  }
}
