/**
 * Builds the inside of a sandbox in one perl process, where there is perl: the mounts, the change of root, the loss of every privilege, Landlock and
 * seccomp are system calls in a row. The programs of util-linux do the same as six processes, which on a busy host doubles the time of a start.
 * perl-base is part of every Debian and Ubuntu; elsewhere the shell script of unshare.ts is used.
 */

import type { SandboxMount, SandboxPlan } from './sandbox-plan.ts'
import type { SeccompArchitecture } from './seccomp.ts'

/** System call numbers: x86_64 and aarch64 (asm/unistd.h). */
const NUMBERS: Readonly<Record<SeccompArchitecture, Readonly<Record<string, number>>>> = {
  x64: {
    mount: 165,
    umount2: 166,
    pivot_root: 155,
    sethostname: 170,
    setgroups: 116,
    setresgid: 119,
    setresuid: 117,
    capset: 126,
    prctl: 157,
  },
  arm64: {
    mount: 40,
    umount2: 39,
    pivot_root: 41,
    sethostname: 161,
    setgroups: 159,
    setresgid: 149,
    setresuid: 147,
    capset: 91,
    prctl: 167,
  },
}

/**
 * Arguments: root, mount table, host name, working directory, user or `-`, 1 to raise loopback, 1 for Landlock, 1 for the seccomp program on
 * descriptor 4, command. Constants are those of sys/mount.h, linux/prctl.h, linux/capability.h and linux/landlock.h. perl passes a string as a pointer
 * to its buffer, therefore each is a variable and numbers are made numbers.
 *
 * A bind mount takes its flags in a second call: mount_setattr (Linux 5.12) for it and all that the host has mounted below it, else a remount of itself.
 * In a user namespace that is refused when it drops flags that the host's mount has, of which only noexec matters here.
 * Bounding set first, as only a privileged process may; the user next; the rest of the capabilities last.
 */
const script = (number: Readonly<Record<string, number>>): string => `
use strict;
my ($root, $table, $name, $work, $user, $loopback, $landlock, $filter) = splice(@ARGV, 0, 8);
sub fail { print STDERR "@_: $!\\n"; exit 125 }
sub path { my $text = shift; $text =~ s/%([0-9A-F]{2})/chr(hex($1))/ge; $text }
sub mounted { my ($source, $target, $type, $flags, $data) = @_; $flags += 0; syscall(${number['mount']}, $source, $target, $type, $flags, $data) == 0 }
sub bound { my ($source, $target, $recursive, $flags) = @_;
  mounted($source, $target, 'none', 4096 | $recursive, '') or fail("mount $source");
  my $attributes = pack('Q4', $flags, 0, 0, 0);
  return if syscall(442, -100, $target, $recursive ? 0x8000 : 0, $attributes, 32) == 0;
  mounted('none', $target, 'none', 4096 | 32 | $flags, '') or mounted('none', $target, 'none', 4096 | 32 | 8 | $flags, '') or fail("remount $source") }
bound($root, $root, 0, 1 | 2 | 4);
open(my $lines, '<', $table) or fail($table);
while (<$lines>) {
  chomp; my ($type, $source, $target, $data) = map { path($_) } split / /;
  if ($type eq 'bind') { bound($source, $root . $target, 16384, 1 | 2 | 4) }
  elsif ($type eq 'device') { bound($source, $root . $target, 0, 2) }
  elsif ($type eq 'proc') { mounted($type, $root . $target, $type, 2 | 4 | 8, '') or fail("mount $type") }
  else { mounted($type, $root . $target, $type, 2 | 4, $data) or fail("mount $type") }
}
close $lines;
if ($loopback) { socket(my $socket, 2, 2, 0); my $request = pack('Z16 s x22', 'lo', 1); ioctl($socket, 0x8914, $request); close $socket }
syscall(${number['sethostname']}, $name, length $name);
chdir $root or fail($root);
my ($here, $old, $gone) = ('.', '.old', '/.old');
syscall(${number['pivot_root']}, $here, $old) == 0 or fail('pivot_root');
chdir '/' or fail('/');
syscall(${number['umount2']}, $gone, 2) == 0 or fail('umount');
chdir $work or fail($work);
delete $ENV{OLDPWD}; $ENV{PWD} = $work;
for my $capability (0 .. 63) { last if syscall(${number['prctl']}, 24, $capability, 0, 0, 0) != 0 }
if ($user ne '-') { $user += 0;
  syscall(${number['setgroups']}, 0, 0) == 0 && syscall(${number['setresgid']}, $user, $user, $user) == 0 && syscall(${number['setresuid']}, $user, $user, $user) == 0 or fail('user') }
my ($header, $none) = (pack('L2', 0x20080522, 0), pack('L6', 0, 0, 0, 0, 0, 0));
syscall(${number['capset']}, $header, $none) == 0 or fail('capabilities');
syscall(${number['prctl']}, 1, 9, 0, 0, 0) == 0 && syscall(${number['prctl']}, 38, 1, 0, 0, 0) == 0 or fail('no_new_privs');
if ($landlock) { my $attributes = pack('Q3', 0, 0, 1); my $rules = syscall(444, $attributes, 24, 0); $rules >= 0 && syscall(446, $rules, 0) == 0 or fail('landlock') }
if ($filter) { open(my $file, '<&=', 4) or fail('seccomp'); binmode $file; my $program = do { local $/; <$file> }; close $file;
  my $header = pack('S x6 P', length($program) / 8, $program); syscall(${number['prctl']}, 22, 2, $header) == 0 or fail('seccomp') }
exec { $ARGV[0] } @ARGV; fail($ARGV[0]);
`

export interface PerlBuilder {
  readonly perl: string
  readonly architecture: SeccompArchitecture
}

/** The command that builds the inside of the sandbox and goes on to what follows it. */
export function perlBuildCommand(
  { perl, architecture }: PerlBuilder,
  plan: SandboxPlan,
  table: string,
): readonly string[] {
  return [
    perl,
    '-e',
    script(NUMBERS[architecture]),
    plan.root,
    table,
    plan.hostname,
    plan.workingDirectory,
    plan.user === undefined ? '-' : String(plan.user.uid),
    plan.network === 'none' ? '1' : '0',
    plan.hideAbstractSockets === true ? '1' : '0',
    plan.seccompFile === undefined ? '0' : '1',
  ]
}

/** The plan's mounts as the script reads them: type, source, target, options; one mount a line, what could be taken for a separator in %XX. */
export function perlMountTable(plan: SandboxPlan): string {
  return plan.mounts
    .map(
      (mount) =>
        `${line(mount)
          .map((field) => escaped(field))
          .join(' ')}\n`,
    )
    .join('')
}

function line(mount: SandboxMount): readonly string[] {
  switch (mount.type) {
    case 'bind':
    case 'device':
      return [mount.type, mount.source, mount.target, '-']
    case 'tmpfs':
      return [mount.type, '-', mount.target, tmpfsOptions(mount)]
    case 'proc':
      return [mount.type, '-', mount.target, '-']
    default:
      return mount satisfies never
  }
}

/** 4 KB a file on average: inodes are memory, too. */
export function tmpfsOptions({ sizeMb, mode }: { readonly sizeMb: number; readonly mode: string }): string {
  return `size=${sizeMb}m,nr_inodes=${sizeMb * 256},mode=${mode}`
}

function escaped(field: string): string {
  return Buffer.from(field)
    .toString('latin1')
    .replace(/[^\w/.,=@+-]/g, hexadecimal)
}

function hexadecimal(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
