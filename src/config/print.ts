/** The effective configuration for people and programs, with where each value came from and secrets masked. */

import { KEYS } from './keys.ts'
import type { LoadedConfig } from './load.ts'
import { formatOrigin } from './setting.ts'
import type { Origin } from './setting.ts'

const MASK = '********'

export interface ConfigRow {
  readonly key: string
  /** The value as it would be written in a variable; `********` for a secret that is set. */
  readonly value: string
  readonly unit: string
  readonly source: Origin['source']
  /** The file, variable or flag; `default` where there is none. */
  readonly origin: string
  /** The variable that would set it. */
  readonly variable: string
}

/** One row a key, in the order of the schema. */
export function configRows(loaded: LoadedConfig): readonly ConfigRow[] {
  return KEYS.map((key) => {
    const value = shown(loaded, key.name, key.field.secret)
    const origin = loaded.origins.get(key.name) ?? { source: 'default' }
    return {
      key: key.name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
      unit: key.field.unit ?? '',
      source: origin.source,
      origin: formatOrigin(origin),
      variable: key.variable,
    }
  })
}

/** Key to value and origin, for `stave config --json`. */
export function configJson(
  loaded: LoadedConfig,
): Readonly<Record<string, { readonly value: unknown; readonly source: string; readonly origin: string }>> {
  return Object.fromEntries(
    KEYS.map((key) => {
      const origin = loaded.origins.get(key.name) ?? { source: 'default' }
      const value = shown(loaded, key.name, key.field.secret)
      return [key.name, { value, source: origin.source, origin: formatOrigin(origin) }]
    }),
  )
}

function shown(loaded: LoadedConfig, name: string, secret: boolean): unknown {
  const value = valueAt(loaded.config, name)
  return secret && value !== '' ? MASK : value
}

/** The value of a key by its name. */
export function valueAt(config: LoadedConfig['config'], name: string): unknown {
  let node: unknown = config
  for (const part of name.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined
    node = Object.entries(node).find(([key]) => key === part)?.[1]
  }
  return node
}
