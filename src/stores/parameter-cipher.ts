/**
 * Encryption of parameters at rest, in OpenWhisk's form: `{key, value: base64, encryption: "aes-256"}`. What is stored is what readers of the API get;
 * values are decrypted where an action is made ready for being called. The base64 holds the length of the initialisation vector (4 bytes), the
 * vector, and the compact JSON of the value as AES-GCM makes it, with its tag of 16 bytes at the end.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Fault } from '../model/errors.ts'
import type { JsonValue } from '../model/json.ts'
import type { ParameterKey, ParameterScheme } from '../model/parameter-keys.ts'
import type { Parameter } from '../model/parameters.ts'

export interface ParameterCipherOptions {
  /** What new values are encrypted with; undefined: they are stored as they are. */
  readonly current: ParameterScheme | undefined
  /** The first key of the current scheme encrypts; all decrypt. */
  readonly keys: readonly ParameterKey[]
}

/** What has parameters may be sealed: entities of all types. */
export interface Parametrised {
  readonly entityType: string
  readonly parameters?: readonly Parameter[]
}

export interface ParameterCipher {
  /** Values, not entities. `failures`: values that could not be decrypted. */
  readonly counters: { sealed: number; opened: number; failures: number }
  /** The key that encrypts; undefined where nothing is encrypted. */
  readonly current: ParameterKey | undefined
  /** The entity with every plain value encrypted. Values that carry a scheme already stay as they are. */
  seal<Kind extends Parametrised>(entity: Kind): Kind
  /** The entity with every value decrypted; values of a scheme that is not ours stay as they are. Throws `UnreadableParameter`. */
  open<Kind extends Parametrised>(entity: Kind): Kind
  /**
   * The entity as `seal` would write it today: values of older keys under the current one, or plain where nothing is encrypted any more. `changed`: whether
   * that differs; `unreadable`: how many values stay as they are because none of the keys fits.
   */
  renew<Kind extends Parametrised>(
    entity: Kind,
  ): { readonly entity: Kind; readonly changed: boolean; readonly unreadable: number }
}

/** A parameter's value was encrypted with a key that is not configured, or was changed since. The message names the parameter, never its value. */
export class UnreadableParameter extends Fault {
  override readonly name = 'UnreadableParameter'

  constructor(key: string, scheme: string) {
    const told = `The parameter '${key}' cannot be decrypted.`
    super(`the value of parameter '${key}' (${scheme}) fits none of the configured keys`, { told })
  }
}

const TAG_BYTES = 16
/** OpenWhisk's. */
const VECTOR_BYTES: Readonly<Record<ParameterScheme, number>> = { 'aes-128': 12, 'aes-256': 128 }

/** Builds the cipher. Throws when the current scheme has no key. */
export function createParameterCipher({ current: scheme, keys }: ParameterCipherOptions): ParameterCipher {
  const counters = { sealed: 0, opened: 0, failures: 0 }
  const current = scheme === undefined ? undefined : keys.find((key) => key.scheme === scheme)
  if (scheme !== undefined && current === undefined) throw new Error(`there is no key for ${scheme}`)

  function sealed(parameter: Parameter, by: ParameterKey): Parameter {
    counters.sealed++
    return { ...parameter, value: encrypt(by, JSON.stringify(parameter.value)), encryption: by.scheme }
  }

  /** The plain parameter and the key that its value was under; undefined when none fits. */
  function opened(parameter: Parameter): { readonly plain: Parameter; readonly by: ParameterKey } | undefined {
    const { encryption, value, ...rest } = parameter
    for (const key of keys) {
      if (key.scheme !== encryption) continue
      const json = decrypt(key, value)
      if (json === undefined) continue
      counters.opened++
      return { plain: { ...rest, value: JSON.parse(json) as JsonValue }, by: key }
    }
    counters.failures++
    return undefined
  }

  return {
    counters,
    current,
    seal(entity) {
      if (current === undefined || entity.parameters === undefined) return entity
      const parameters = entity.parameters.map((parameter) =>
        parameter.encryption === undefined ? sealed(parameter, current) : parameter,
      )
      return { ...entity, parameters }
    },
    open(entity) {
      if (!entity.parameters?.some(isEncrypted)) return entity
      const parameters = entity.parameters.map((parameter) => {
        if (!isEncrypted(parameter)) return parameter
        const found = opened(parameter)
        if (found === undefined) throw new UnreadableParameter(parameter.key, parameter.encryption)
        return found.plain
      })
      return { ...entity, parameters }
    },
    renew(entity) {
      let changed = false
      let unreadable = 0
      const parameters = entity.parameters?.map((parameter) => {
        const found = isEncrypted(parameter) ? opened(parameter) : undefined
        if (found === undefined && parameter.encryption !== undefined) {
          if (isEncrypted(parameter)) unreadable++
          return parameter
        }
        if (found?.by === current) return parameter
        changed = true
        const plain = found?.plain ?? parameter
        return current === undefined ? plain : sealed(plain, current)
      })
      return { entity: changed ? { ...entity, parameters } : entity, changed, unreadable }
    },
  }
}

/** True for a value of one of our schemes; another text there is a client's own affair. */
function isEncrypted(parameter: Parameter): parameter is Parameter & { readonly encryption: ParameterScheme } {
  return parameter.encryption === 'aes-128' || parameter.encryption === 'aes-256'
}

function encrypt({ scheme, key }: ParameterKey, plain: string): string {
  const vector = randomBytes(VECTOR_BYTES[scheme])
  const cipher = createCipheriv(`${scheme}-gcm`, key, vector)
  const length = Buffer.alloc(4)
  length.writeInt32BE(vector.length)
  return Buffer.concat([length, vector, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  )
}

/** The plain text; undefined when the key does not fit or a bit was changed. */
function decrypt({ scheme, key }: ParameterKey, value: JsonValue): string | undefined {
  if (typeof value !== 'string') return undefined
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length < 4) return undefined
  const length = bytes.readInt32BE()
  // 12 and 128 are what anybody writes; a shorter vector would be accepted by the algorithm and is not worth trying.
  if (length < 12 || length > 128 || bytes.length < 4 + length + TAG_BYTES) return undefined
  const decipher = createDecipheriv(`${scheme}-gcm`, key, bytes.subarray(4, 4 + length), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const body = decipher.update(bytes.subarray(4 + length, -TAG_BYTES))
  try {
    return Buffer.concat([body, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
