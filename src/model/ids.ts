/** Identifiers that Stave makes: activations, transactions, containers, revisions. */

import { randomFillSync } from 'node:crypto'
import type { Brand } from './brand.ts'
import { refusal } from './errors.ts'

/** 32 lower-case hex digits. */
export type ActivationId = Brand<string, 'ActivationId'>
/** What a request is known by in logs, error bodies and `X-Request-ID`. */
export type TransactionId = Brand<string, 'TransactionId'>
export type ContainerId = Brand<string, 'ContainerId'>
/** Opaque revision of a stored document; two writes never yield the same one. */
export type Revision = Brand<string, 'Revision'>

/** Makes identifiers; tests pass a seeded one. */
export interface IdSource {
  activationId(nowMs: number): ActivationId
  transactionId(): TransactionId
  containerId(): ContainerId
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const POOL_BYTES = 8192

/**
 * Identifiers from the operating system's random numbers. Activation ids are UUIDv7 without dashes (RFC 9562, 5.7): their first 48 bits are the time,
 * so that records arrive at the store in key order, which makes its inserts several times cheaper than random keys do.
 */
export function randomIds(): IdSource {
  // One draw for hundreds of ids: a system call each would cost more than the rest of the id.
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  const take = (count: number): number => {
    if (used + count > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    used += count
    return used - count
  }
  const hex = (at: number, count: number): string => {
    let text = ''
    for (let index = at; index < at + count; index++) text += HEX[pool[index] ?? 0]
    return text
  }
  return {
    activationId(nowMs) {
      const at = take(10)
      pool[at] = ((pool[at] ?? 0) & 0x0f) | 0x70
      pool[at + 2] = ((pool[at + 2] ?? 0) & 0x3f) | 0x80
      return (nowMs.toString(16).padStart(12, '0') + hex(at, 10)) as ActivationId
    },
    transactionId() {
      const at = take(32)
      let text = ''
      for (let index = at; index < at + 32; index++) text += ALPHABET[(pool[index] ?? 0) % 62]
      return text as TransactionId
    },
    containerId() {
      return hex(take(8), 8) as ContainerId
    },
  }
}

/** Parses the id in an activations URL; throws OpenWhisk's two 400 texts. */
export function parseActivationId(text: string): ActivationId {
  if (text.length !== 32) throw refusal('BAD_REQUEST', 400, `Activation id length is ${text.length} but must be 32.`)
  if (!/^[0-9a-f]{32}$/.test(text)) throw refusal('BAD_REQUEST', 400, 'The activation id is not valid.')
  return text as ActivationId
}
