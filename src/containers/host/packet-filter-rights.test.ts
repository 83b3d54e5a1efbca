import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingForPacketFilter } from './packet-filter-rights.ts'

const found = (name: string): string | undefined => (name === 'nft' ? '/usr/sbin/nft' : undefined)
const ALL = 'CapEff:\t000001ffffffffff\n'

test('S1-5: what a packet filter lacks is named: root, the capability, the program', () => {
  assert.equal(missingForPacketFilter(found, 0, ALL), undefined)
  assert.match(missingForPacketFilter(found, 65_532, ALL) ?? '', /only root/)
  assert.match(missingForPacketFilter(found, 0, 'CapEff:\t0000000000000000\n') ?? '', /NET_ADMIN/)
  assert.equal(missingForPacketFilter(found, 0, 'CapEff:\t0000000000001000\n'), undefined)
  assert.match(missingForPacketFilter(() => undefined, 0, ALL) ?? '', /install nftables or iptables/)
  assert.equal(missingForPacketFilter(found, 0, ''), undefined, 'a system that does not tell')
})
