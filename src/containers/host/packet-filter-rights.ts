/** Whether this process may filter the packets of its network namespace. */

import { readFileSync } from 'node:fs'

/** Number of the capability CAP_NET_ADMIN. */
const NET_ADMIN = 12n

/** Why no packet filter can be loaded here, in words that say what would help; undefined where one can. */
export function missingForPacketFilter(
  find: (name: string) => string | undefined,
  uid: number | undefined = process.getuid?.(),
  status: string = readStatus(),
): string | undefined {
  if (uid !== 0) return 'only root can load a packet filter; run the platform as root'
  const effective = /^CapEff:\s*([0-9a-f]+)$/im.exec(status)?.[1]
  if (effective !== undefined && ((BigInt(`0x${effective}`) >> NET_ADMIN) & 1n) === 0n)
    return 'a packet filter needs the capability NET_ADMIN; give it to the platform’s container'
  if (find('nft') === undefined && find('iptables') === undefined) return 'install nftables or iptables'
  return undefined
}

function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return ''
  }
}
