import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { findTool } from './find-tool.ts'
import { REFUSED_NETWORKS } from './network-addresses.ts'
import type { NetworkRules } from './network-rules.ts'
import { iptablesChains, iptablesRules, nftRemoval, nftRules } from './network-rules.ts'

const rules: NetworkRules = {
  name: 'stave0123456789ab',
  bridge: 'stv0123456789ab',
  subnet: '10.130.0.0/20',
  gateway: '10.130.0.1',
  resolvers: ['192.168.1.1'],
  api: { port: 3233, addresses: ['192.168.1.5'] },
  forwardNothingElse: true,
  refusePrivate: true,
  masquerade: true,
}

const tools = { nft: findTool('nft'), iptables: findTool('iptables') }
const root = process.getuid?.() === 0

/** Has the program check the text in a network namespace of its own. */
function check(file: string, args: readonly string[], input: string): void {
  const { status, stderr } = spawnSync('unshare', ['--net', file, ...args], {
    input,
    encoding: 'utf8',
    timeout: 10_000,
  })
  assert.equal(status, 0, stderr)
}

describe('packet filter of isolated networks', () => {
  test('what is let through comes before what is refused, in both forms', () => {
    for (const [text, accept] of [
      [nftRules(rules), 'accept'],
      [iptablesRules(rules), 'ACCEPT'],
    ] as const) {
      const lines = text.split('\n')
      const at = (part: string): number => lines.findIndex((line) => line.includes(part))
      for (const address of ['192.168.1.1', '192.168.1.5', '10.130.0.1']) {
        assert.ok(at(address) > 0 && at(address) < at('192.168.0.0/16'), address)
        assert.ok(lines[at(address)]?.includes(accept))
      }
      for (const network of REFUSED_NETWORKS) assert.ok(text.includes(network), network)
    }
  })

  test('names fit into the kernel’s limits', () => {
    assert.ok(rules.bridge.length <= 15)
    for (const chain of Object.values(iptablesChains(rules.name))) assert.ok(chain.length <= 28)
  })

  test('other traffic is forwarded as before', () => {
    assert.ok(!nftRules({ ...rules, forwardNothingElse: false }).includes('    drop\n'))
    assert.ok(iptablesRules(rules).includes(`-A ${rules.name}-FW -j DROP`))
    assert.ok(!iptablesRules({ ...rules, forwardNothingElse: false }).includes(`-A ${rules.name}-FW -j DROP`))
  })

  test('private networks and translation are as asked for', () => {
    const open = { ...rules, refusePrivate: false, masquerade: false }
    for (const text of [nftRules(open), iptablesRules(open)]) {
      assert.ok(!text.includes('172.16.0.0/12'))
      assert.ok(!/masquerade/i.test(text))
      assert.match(text, /reject/i)
    }
  })

  test('a filter that is there is replaced in one text: nothing passes in between', () => {
    assert.match(
      nftRemoval(rules.name),
      new RegExp(`^table inet ${rules.name} .*\\ndelete table inet ${rules.name}\\n$`),
    )
    const { forward, input } = iptablesChains(rules.name)
    const present = `-P FORWARD ACCEPT\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j ${forward}\n-A INPUT -j ${input}\n`
    const lines = iptablesRules(rules, present).split('\n')
    for (const [place, chain] of [
      ['FORWARD', forward],
      ['INPUT', input],
    ] as const) {
      const removed = lines.indexOf(`-D ${place} -j ${chain}`)
      assert.ok(removed > 0 && removed < lines.indexOf(`-I ${place} 1 -j ${chain}`))
    }
    assert.ok(!lines.includes('-D FORWARD -j DOCKER-USER'))
    assert.ok(!iptablesRules(rules).includes('-D '))
  })

  const skip = (tool: string | undefined): string | false =>
    root && tool !== undefined ? false : 'needs root and the tool'
  test('nft takes the table', { skip: skip(tools.nft) }, () => {
    check(tools.nft ?? '', ['-f', '-'], nftRules(rules))
  })
  test('iptables-restore takes the chains', { skip: skip(tools.iptables) }, () => {
    check(`${tools.iptables}-restore`, ['--noflush'], iptablesRules(rules))
  })
})
