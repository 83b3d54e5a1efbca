/** The configured encryption of parameters in the form in which the domain knows it. */

import type { ParameterKey, ParameterScheme } from '../model/parameter-keys.ts'
import { parseParameterKeys } from '../model/parameter-keys.ts'
import type { Config } from './schema.ts'

/** What new parameters are encrypted with; undefined: nothing. */
export function parameterScheme({ parameterStorage: { current } }: Config): ParameterScheme | undefined {
  return current === 'off' || current === 'noop' ? undefined : current
}

/** All keys, the current one of each scheme before its older ones. */
export function parameterKeys({ parameterStorage: { aes256, aes128 } }: Config): readonly ParameterKey[] {
  return [...parseParameterKeys('aes-256', aes256), ...parseParameterKeys('aes-128', aes128)]
}
