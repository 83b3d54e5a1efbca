/**
 * How a seccomp program gets into the kernel where bubblewrap does not do it: node cannot call prctl, so a program that is on the host anyway
 * loads it and then becomes the command. `setpriv` can since util-linux 2.41; perl is part of every Debian, Ubuntu and most others; else python.
 */

import { spawnSync } from 'node:child_process'
import type { HostTools } from './host-tools.ts'
import type { SeccompArchitecture } from './seccomp.ts'

export interface SeccompLoader {
  readonly name: string
  /** Put in front of the command inside the sandbox. It reads the program from descriptor 4 and closes it. */
  readonly command: readonly string[]
}

const PRCTL: Readonly<Record<SeccompArchitecture, number>> = { x64: 157, arm64: 167 }

/** prctl(PR_SET_NO_NEW_PRIVS, 1), then prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &{unsigned short length; struct sock_filter *program}). */
const perlScript = (prctl: number): string => `
open(my $file, '<&=', 4) or exit 125; binmode $file;
my $program = do { local $/; <$file> }; close $file;
my $header = pack('S x6 P', length($program) / 8, $program);
syscall(${prctl}, 38, 1, 0, 0, 0) == 0 && syscall(${prctl}, 22, 2, $header) == 0 or do { print STDERR "seccomp: $!\\n"; exit 125 };
exec { $ARGV[0] } @ARGV; print STDERR "$ARGV[0]: $!\\n"; exit 125;
`

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

/** The cheapest loader of this host, or undefined. Runs `setpriv --help` once. */
export function findSeccompLoader(tools: HostTools, architecture: SeccompArchitecture): SeccompLoader | undefined {
  if (tools.setpriv !== undefined && knowsSeccomp(tools.setpriv)) {
    return { name: 'setpriv', command: [tools.setpriv, '--seccomp-filter', '/proc/self/fd/4', '--'] }
  }
  if (tools.perl !== undefined) return { name: 'perl', command: [tools.perl, '-e', perlScript(PRCTL[architecture])] }
  // -S and -E: no user's site packages, no PYTHON* variables.
  if (tools.python !== undefined) return { name: 'python', command: [tools.python, '-ISE', '-c', PYTHON_SCRIPT] }
  return undefined
}

function knowsSeccomp(setpriv: string): boolean {
  return spawnSync(setpriv, ['--help'], { encoding: 'utf8', timeout: 5000 }).stdout.includes('--seccomp-filter')
}
