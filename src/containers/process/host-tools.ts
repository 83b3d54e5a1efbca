/** The programs of the host that sandboxes are built with, found once. */

import { findTool } from '../host/find-tool.ts'

/** Everything that some way of building a sandbox asks for; undefined: not on this host. */
export interface HostTools {
  readonly sh: string | undefined
  readonly bwrap: string | undefined
  readonly unshare: string | undefined
  readonly nsenter: string | undefined
  readonly setpriv: string | undefined
  readonly mount: string | undefined
  readonly umount: string | undefined
  readonly pivotRoot: string | undefined
  readonly hostname: string | undefined
  readonly perl: string | undefined
  readonly python: string | undefined
  readonly ip: string | undefined
  readonly nft: string | undefined
  readonly iptables: string | undefined
  readonly pasta: string | undefined
}

/** Looks for the programs. About a hundred system calls: once at start. */
export function findHostTools(): HostTools {
  return {
    sh: findTool('sh'),
    bwrap: findTool('bwrap'),
    unshare: findTool('unshare'),
    nsenter: findTool('nsenter'),
    setpriv: findTool('setpriv'),
    mount: findTool('mount'),
    umount: findTool('umount'),
    pivotRoot: findTool('pivot_root'),
    hostname: findTool('hostname'),
    perl: findTool('perl'),
    python: findTool('python3'),
    ip: findTool('ip'),
    nft: findTool('nft'),
    iptables: findTool('iptables'),
    pasta: findTool('pasta'),
  }
}
