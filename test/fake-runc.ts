/** For tests: a program that behaves as runc does, as far as pausing goes, and records how it was called. */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface FakeRunc {
  readonly binary: string
  /** Directory of its state. */
  readonly root: string
  /** The arguments of each call, oldest first. */
  calls(): readonly string[]
  /** Makes a container known to it; pausing an unknown one fails. */
  add(containerId: string): void
  isPaused(containerId: string): boolean
  /** From now on every pause or resume prints this and fails; '' ends that. */
  failWith(message: string): void
  /** From now on every pause or resume takes this long. */
  hangFor(seconds: number): void
  remove(): void
}

export const RUNC_VERSION = `runc version 1.1.5+ds1
commit: 1.1.5+ds1-1+deb12u1
spec: 1.0.2-dev
go: go1.19.8
libseccomp: 2.5.4
`

/** Error texts as runc 1.1 prints them. */
const SCRIPT = `#!/bin/sh
fail() { echo "time=\\"2026-01-01T00:00:00Z\\" level=error msg=\\"$1\\"" >&2; exit 1; }
here=HERE
echo "$*" >>"$here/calls"
if [ "$1" = --version ]; then cat "$here/version"; exit 0; fi
if [ -s "$here/hang" ]; then sleep "$(cat "$here/hang")"; fi
if [ -s "$here/failure" ]; then fail "$(cat "$here/failure")"; fi
[ "$1" = --root ] || fail "no --root"
state="$2/$4"
[ -d "$state" ] || fail "container does not exist"
case "$3" in
  pause) [ ! -e "$state/paused" ] || fail "container not running"; : >"$state/paused" ;;
  resume) [ -e "$state/paused" ] || fail "container not paused"; rm "$state/paused" ;;
  *) fail "unknown command" ;;
esac
`

/** Writes the program into a directory of its own. */
export function createFakeRunc(version: string = RUNC_VERSION): FakeRunc {
  const directory = mkdtempSync(join(tmpdir(), 'stave-runc-'))
  const binary = join(directory, 'runc')
  const root = join(directory, 'state')
  const calls = join(directory, 'calls')
  mkdirSync(root)
  writeFileSync(join(directory, 'version'), version)
  writeFileSync(calls, '')
  writeFileSync(binary, SCRIPT.replace('HERE', directory))
  chmodSync(binary, 0o755)
  return {
    binary,
    root,
    calls: () => readFileSync(calls, 'utf8').split('\n').filter(Boolean),
    add: (containerId) => mkdirSync(join(root, containerId)),
    isPaused: (containerId) => existsSync(join(root, containerId, 'paused')),
    failWith: (message) => writeFileSync(join(directory, 'failure'), message),
    hangFor: (seconds) => writeFileSync(join(directory, 'hang'), String(seconds)),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}
