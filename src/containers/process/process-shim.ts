/**
 * What a process must do to itself just before it becomes the runtime, and node cannot do for it: load the seccomp program (prctl), and give up the
 * host's abstract sockets (Landlock). A program that is on the host anyway does it and then becomes the command: `setpriv` loads programs since
 * util-linux 2.41; perl is part of every Debian, Ubuntu and most others; else python.
 */

import { execFileSync } from 'node:child_process'
import type { HostTools } from './host-tools.ts'
import type { SeccompArchitecture } from './seccomp.ts'

export interface ProcessShim {
  /** Put in front of the command inside the sandbox. A seccomp program is read from descriptor 4, which is closed then. */
  readonly command: readonly string[]
  readonly loadsSeccomp: boolean
  /** True: sockets with abstract names, which belong to a network namespace and not to a file system, are the container's own only. */
  readonly hidesAbstractSockets: boolean
}

export interface ShimWishes {
  readonly architecture: SeccompArchitecture
  /** False where the sandbox is built by something that loads the program itself. */
  readonly seccomp: boolean
  /** The container shares the host's network namespace, and with it the abstract sockets of the host. */
  readonly hostNetwork: boolean
}

const PRCTL: Readonly<Record<SeccompArchitecture, number>> = { x64: 157, arm64: 167 }

/** Version of the Landlock interface since which it knows scopes (Linux 6.12). */
const SCOPES_SINCE = 6

/** landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION); Landlock's numbers are the same on every architecture. */
const PERL_LANDLOCK_VERSION = 'print syscall(444, 0, 0, 1)'

/** landlock_create_ruleset(&{fs: 0, net: 0, scoped: ABSTRACT_UNIX_SOCKET}, 24, 0), then landlock_restrict_self. */
const PERL_LANDLOCK = `
my $attributes = pack('Q3', 0, 0, 1); my $rules = syscall(444, $attributes, 24, 0);
$rules >= 0 && syscall(446, $rules, 0) == 0 or do { print STDERR "landlock: $!\\n"; exit 125 };`

/** prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &{unsigned short length; struct sock_filter *program}). */
const perlSeccomp = (prctl: number): string => `
open(my $file, '<&=', 4) or exit 125; binmode $file; my $program = do { local $/; <$file> }; close $file;
my $header = pack('S x6 P', length($program) / 8, $program);
syscall(${prctl}, 22, 2, $header) == 0 or do { print STDERR "seccomp: $!\\n"; exit 125 };`

/** Both need prctl(PR_SET_NO_NEW_PRIVS, 1) from a process without capabilities. */
function perlScript(prctl: number, parts: readonly string[]): string {
  return `
syscall(${prctl}, 38, 1, 0, 0, 0) == 0 or exit 125;${parts.join('')}
exec { $ARGV[0] } @ARGV; print STDERR "$ARGV[0]: $!\\n"; exit 125;
`
}

const PYTHON_SCRIPT = `
import ctypes, os, sys
program = os.fdopen(4, 'rb').read()
class Header(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('program', ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
header = Header(len(program) // 8, program)
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(header)) != 0:
    sys.stderr.write('seccomp: ' + os.strerror(ctypes.get_errno()) + chr(10))
    os._exit(125)
os.execv(sys.argv[1], sys.argv[1:])
`

/** The cheapest shim of this host that does the most of what is wished; undefined when there is nothing to do or nothing to do it with. */
export function findProcessShim(tools: HostTools, wishes: ShimWishes): ProcessShim | undefined {
  const { perl, python, setpriv } = tools
  const landlock = wishes.hostNetwork && perl !== undefined && knowsScopes(perl)
  if (!wishes.seccomp && !landlock) return undefined
  if (wishes.seccomp && !landlock && setpriv !== undefined && knowsSeccomp(setpriv)) {
    return shim([setpriv, '--seccomp-filter', '/proc/self/fd/4', '--'], true, false)
  }
  if (perl !== undefined) {
    const prctl = PRCTL[wishes.architecture]
    const parts = [...(landlock ? [PERL_LANDLOCK] : []), ...(wishes.seccomp ? [perlSeccomp(prctl)] : [])]
    return shim([perl, '-e', perlScript(prctl, parts)], wishes.seccomp, landlock)
  }
  // -S and -E: no user's site packages, no PYTHON* variables.
  if (python !== undefined) return shim([python, '-ISE', '-c', PYTHON_SCRIPT], true, false)
  return undefined
}

function shim(command: readonly string[], loadsSeccomp: boolean, hidesAbstractSockets: boolean): ProcessShim {
  return { command, loadsSeccomp, hidesAbstractSockets }
}

function knowsSeccomp(setpriv: string): boolean {
  return output(setpriv, ['--help']).includes('--seccomp-filter')
}

function knowsScopes(perl: string): boolean {
  return Number(output(perl, ['-e', PERL_LANDLOCK_VERSION])) >= SCOPES_SINCE
}

/** What a program prints; nothing when it cannot be run. */
function output(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', timeout: 5000, env: {}, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}
