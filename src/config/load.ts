/** Loads the configuration: defaults, then the Docker client's variables, then file, then OpenWhisk's variables, then STAVE_ variables, then flags; later ones win. */

import { isAbsolute, join, resolve } from 'node:path'
import { BadValue } from './field.ts'
import { KEYS } from './keys.ts'
import type { Key } from './keys.ts'
import { deriveValues } from './derived.ts'
import { brokenRules } from './rules.ts'
import { isField, schema } from './schema.ts'
import type { Config, Section } from './schema.ts'
import { formatOrigin } from './setting.ts'
import type { Environment, Origin, Problem, ReadFile, Reading, Setting } from './setting.ts'
import { readDockerClient } from './sources/docker-client.ts'
import { CONFIG_VARIABLE, readEnvironment } from './sources/environment.ts'
import { readConfigFile } from './sources/file.ts'
import { CONFIG_FLAG, readFlags } from './sources/flags.ts'
import type { FlagValues } from './sources/flags.ts'
import { readOpenWhisk } from './sources/openwhisk.ts'

export interface ConfigSources {
  readonly flags: FlagValues
  readonly env: Environment
  readonly readFile: ReadFile
  /** What `~` stands for. */
  readonly homedir: string
  /** What relative paths start from. */
  readonly cwd: string
}

export interface LoadedConfig {
  readonly config: Config
  /** Where each key's value came from; has every key. */
  readonly origins: ReadonlyMap<string, Origin>
  /** Odd but harmless: to be logged. */
  readonly warnings: readonly string[]
}

/** The configuration cannot be used. The message lists everything that is wrong, a line each, with how to mend it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Reads all sources and checks the result; the configuration is frozen. Rejects with `ConfigError`, which names every fault at once. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const readings: readonly Reading[] = [
    readDockerClient(sources.env),
    await readFileNamed(sources),
    readOpenWhisk(sources.env),
    readEnvironment(sources.env, sources.readFile),
    readFlags(sources.flags),
  ]
  const problems: Problem[] = readings.flatMap((reading) => reading.problems)
  const values = new Map<string, unknown>(KEYS.map((key) => [key.name, absolute(key, key.field.default, sources)]))
  const origins = new Map<string, Origin>(KEYS.map((key) => [key.name, { source: 'default' }]))
  for (const setting of readings.flatMap((reading) => reading.settings)) {
    const { key, origin } = setting
    const parsed = parse(setting)
    if (parsed instanceof BadValue)
      problems.push({ message: `${key.name} (from ${formatOrigin(origin)}) ${parsed.message}.` })
    else {
      values.set(key.name, absolute(key, parsed.value, sources))
      origins.set(key.name, origin)
    }
  }
  deriveValues(values, origins)
  const config = freeze(assemble(schema, '', values)) as Config
  // Rules between keys judge the final values: only where each value is sound by itself.
  const messages = problems.length > 0 ? await withSuggestions(problems) : brokenRules(config)
  if (messages.length > 0) throw new ConfigError(messages)
  return { config, origins, warnings: readings.flatMap((reading) => reading.warnings) }
}

async function readFileNamed(sources: ConfigSources): Promise<Reading> {
  const flag = sources.flags[CONFIG_FLAG]
  const named = typeof flag === 'string' && flag !== '' ? flag : (sources.env[CONFIG_VARIABLE]?.trim() ?? '')
  if (named === '') return { settings: [], problems: [], warnings: [] }
  return readConfigFile(absolutePath(named, sources), sources.readFile)
}

function parse(setting: Setting): BadValue | { readonly value: unknown } {
  try {
    return { value: setting.key.field.parse(setting.raw) }
  } catch (error) {
    if (error instanceof BadValue) return error
    throw error
  }
}

function absolute(key: Key, value: unknown, sources: ConfigSources): unknown {
  const { form } = key.field
  if (form.type !== 'path' || typeof value !== 'string' || value === '') return value
  // A key that takes paths and other words tells them apart itself.
  return form.isPath === undefined || form.isPath(value) ? absolutePath(value, sources) : value
}

function absolutePath(path: string, { homedir, cwd }: ConfigSources): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir, path.slice(1))
  return isAbsolute(path) ? path : resolve(cwd, path)
}

/** The values in the shape of the schema. */
function assemble(section: Section, path: string, values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(section).map(([part, node]) => {
      const name = path === '' ? part : `${path}.${part}`
      return [part, isField(node) ? values.get(name) : assemble(node, name, values)]
    }),
  )
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

async function withSuggestions(problems: readonly Problem[]): Promise<readonly string[]> {
  const { closest } = await import('fastest-levenshtein')
  return problems.map(({ message, unknown }) =>
    unknown === undefined ? message : `${message} The nearest is ${closest(unknown.name, unknown.candidates)}.`,
  )
}
