/** New credentials for namespaces: random uuids and secrets. */

import { randomBytes, randomUUID } from 'node:crypto'
import { SECRET_LENGTH } from '../model/subject-input.ts'

/** Makes credentials; tests pass a predictable one. */
export interface CredentialSource {
  uuid(): string
  /** 64 characters of `[A-Za-z0-9]`. */
  secret(): string
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** The largest multiple of 62 that a byte holds: bytes from there on are dropped, or some characters would come more often. */
const FAIR_BYTES = 248

/** Credentials from the operating system's random numbers; a secret carries 381 bits. */
export function randomCredentials(): CredentialSource {
  return {
    uuid: () => randomUUID(),
    secret() {
      let secret = ''
      while (secret.length < SECRET_LENGTH) {
        const fair = [...randomBytes(SECRET_LENGTH)].filter((byte) => byte < FAIR_BYTES)
        secret += fair.map((byte) => ALPHABET[byte % ALPHABET.length]).join('')
      }
      return secret.slice(0, SECRET_LENGTH)
    },
  }
}
