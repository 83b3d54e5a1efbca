/** The packet filter of isolated networks, as text for nft or for iptables-restore. Pure functions: what is loaded can be read in the tests. */

import { REFUSED_NETWORKS } from './network-addresses.ts'

export interface NetworkRules {
  /** Name of the table or the prefix of the chains; at most 20 characters. */
  readonly name: string
  readonly bridge: string
  /** Network of the containers, such as 10.210.0.0/20, and the host's address in it. */
  readonly subnet: string
  readonly gateway: string
  readonly resolvers: readonly string[]
  /** Undefined: containers do not reach the API either. */
  readonly api: { readonly port: number; readonly addresses: readonly string[] } | undefined
  /** True when forwarding was switched on for these networks: then nothing else may be forwarded, as before. */
  readonly forwardNothingElse: boolean
  /** Private networks, and the host's own addresses in them, are refused; false where only this host's ports are. */
  readonly refusePrivate: boolean
  /** Whoever made the bridge does not translate its addresses. */
  readonly masquerade: boolean
}

/** A table of its own, for `nft -f -`: what it refuses is refused whatever other tables say. */
export function nftRules(rules: NetworkRules): string {
  const { name, bridge, subnet } = rules
  const resolvers = rules.resolvers.flatMap((address) =>
    ['udp', 'tcp'].map((protocol) => `iifname ${bridge} ip daddr ${address} ${protocol} dport 53 accept`),
  )
  const refused = rules.refusePrivate
    ? `    iifname ${bridge} ip daddr { ${REFUSED_NETWORKS.join(', ')} } reject with icmpx type admin-prohibited\n`
    : ''
  const translated = rules.masquerade
    ? `  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != ${bridge} masquerade
  }
`
    : ''
  const api = apiEndpoints(rules).map(
    ({ address, port }) => `iifname ${bridge} ip daddr ${address} tcp dport ${port} accept`,
  )
  return `table inet ${name} {
  chain forward {
    type filter hook forward priority filter - 5; policy accept;
    iifname ${bridge} oifname ${bridge} reject
    ${[...resolvers, ...api].join('\n    ')}
${refused}    iifname ${bridge} meta nfproto ipv4 accept
    oifname ${bridge} ct state established,related accept
    iifname ${bridge} drop
    oifname ${bridge} drop
${rules.forwardNothingElse ? '    drop\n' : ''}  }
  chain input {
    type filter hook input priority filter - 5; policy accept;
    ${[...resolvers, ...api].join('\n    ')}
    iifname ${bridge} ct state established,related accept
    iifname ${bridge} reject with icmpx type admin-prohibited
  }
${translated}}
`
}

/** Takes the table away where there is one; in front of `nftRules` in one text, the new one takes its place at once. */
export function nftRemoval(name: string): string {
  return `table inet ${name} {}\ndelete table inet ${name}\n`
}

/**
 * Chains in front of the built-in ones, for `iptables-restore --noflush`. What they accept is final for hosts whose firewall (Docker, ufw) works by
 * iptables and refuses by default; a table of nft could not overrule it. `present`: what `iptables -S` prints; jumps to these chains that are in it move to
 * the front, in one transaction.
 */
export function iptablesRules(rules: NetworkRules, present = ''): string {
  const { bridge } = rules
  const { forward, input, nat } = iptablesChains(rules.name)
  const exceptions = (chain: string): readonly string[] => [
    ...rules.resolvers.flatMap((address) =>
      ['udp', 'tcp'].map((protocol) => `-A ${chain} -i ${bridge} -d ${address} -p ${protocol} --dport 53 -j ACCEPT`),
    ),
    ...apiEndpoints(rules).map(
      ({ address, port }) => `-A ${chain} -i ${bridge} -d ${address} -p tcp --dport ${port} -j ACCEPT`,
    ),
  ]
  const established = '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'
  const jumps = present
    .split('\n')
    .filter((line) => line === `-A FORWARD -j ${forward}` || line === `-A INPUT -j ${input}`)
  return `${[
    '*filter',
    `:${forward} - [0:0]`,
    `:${input} - [0:0]`,
    `-A ${forward} -i ${bridge} -o ${bridge} -j REJECT`,
    ...exceptions(forward),
    ...(rules.refusePrivate
      ? REFUSED_NETWORKS.map((network) => `-A ${forward} -i ${bridge} -d ${network} -j REJECT`)
      : []),
    `-A ${forward} -i ${bridge} -j ACCEPT`,
    `-A ${forward} -o ${bridge} ${established}`,
    `-A ${forward} -o ${bridge} -j DROP`,
    ...(rules.forwardNothingElse ? [`-A ${forward} -j DROP`] : []),
    ...exceptions(input),
    `-A ${input} -i ${bridge} ${established}`,
    `-A ${input} -i ${bridge} -j REJECT`,
    ...jumps.map((line) => line.replace(/^-A/, '-D')),
    `-I FORWARD 1 -j ${forward}`,
    `-I INPUT 1 -j ${input}`,
    'COMMIT',
    ...(rules.masquerade
      ? [
          '*nat',
          `:${nat} - [0:0]`,
          `-A ${nat} -s ${rules.subnet} ! -o ${bridge} -j MASQUERADE`,
          `-I POSTROUTING 1 -j ${nat}`,
          'COMMIT',
        ]
      : []),
  ].join('\n')}\n`
}

function apiEndpoints({ api, gateway }: NetworkRules): readonly { readonly address: string; readonly port: number }[] {
  return api === undefined ? [] : [gateway, ...api.addresses].map((address) => ({ address, port: api.port }))
}

/** Names of the chains, to remove them by. */
export function iptablesChains(name: string): {
  readonly forward: string
  readonly input: string
  readonly nat: string
} {
  return { forward: `${name}-FW`, input: `${name}-IN`, nat: `${name}-NAT` }
}
