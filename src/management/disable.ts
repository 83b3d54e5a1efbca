/**
 * `POST /disable`, OpenWhisk's way to take a controller out of service before it is replaced: it accepts no new work from then on, finishes what it has
 * accepted, and its readiness says so. Only a restart ends that.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import { refusal } from '../model/errors.ts'

/** OpenWhisk's `whisk.controller.username` and `password`: an operator's, nobody's key. */
export interface OperatorCredentials {
  readonly username: string
  /** Empty: nobody may. */
  readonly password: string
}

/** Throws 401 unless the `Authorization` header holds the operator's name and password. */
export function requireOperator(authorization: string | undefined, { username, password }: OperatorCredentials): void {
  const [, given] = /^basic +(\S+)\s*$/i.exec(authorization ?? '') ?? []
  if (given === undefined) throw refusal('UNAUTHENTICATED', 401)
  const pair = Buffer.from(given, 'base64').toString('utf8')
  if (password === '' || !isEqual(pair, `${username}:${password}`)) {
    throw refusal('UNAUTHENTICATED', 401, 'username or password are wrong.')
  }
}

/** In a time that tells nothing of where they differ. */
function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
