import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionFixture, identityFixture } from '../../test/action-fixture.ts'
import type { ActivationId, TransactionId } from '../model/ids.ts'
import type { Accepted } from './invoke.ts'
import { journalEntry, readJournalled } from './journal-entries.ts'

const accepted: Accepted = {
  activationId: '1'.padStart(32, '0') as ActivationId,
  transactionId: 'tid' as TransactionId,
  identity: identityFixture(),
  target: { namespace: '_', package: undefined, name: 'hello' },
  action: actionFixture(),
  payload: { bytes: Buffer.from('{"a":"ü"}').toString('latin1'), object: { a: 'ü' } },
}

test('a call is read back as it was accepted', () => {
  const call = readJournalled(journalEntry(accepted, 1, 2).payload)
  assert.equal(call.type, 'invocation')
  assert.equal(call.payload, '{"a":"ü"}')
  assert.deepEqual(call.target, { namespace: '_', name: 'hello' })
})

test('an entry of the first release, which had no types, is a call', () => {
  const { type: _type, ...released } = JSON.parse(journalEntry(accepted, 1, 2).payload) as Record<string, unknown>
  assert.deepEqual(readJournalled(JSON.stringify(released)), readJournalled(journalEntry(accepted, 1, 2).payload))
})

test('an entry that nobody wrote is refused', () => {
  assert.throws(() => readJournalled('{"type":"unknown"}'))
  assert.throws(() => readJournalled('{}'))
})
