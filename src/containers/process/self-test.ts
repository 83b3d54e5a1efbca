/** Looks at a sandbox from inside: a shell script that runs as a container does, and the reading of what it saw. Probes beat version checks. */

import { WORKING_DIRECTORY } from './root-directory.ts'
import type { RuntimeLauncher } from './runtime-launcher.ts'

/** Shell built-ins only, so that it costs one process. Lines are "key value"; it ends with `done`. */
const SCRIPT = `
while read -r key value rest; do
  case $key in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:|Uid:) echo "$key $value";; esac
done </proc/self/status
set -- /proc/[0-9]*
echo "processes $#"
{ true > /stave-self-test; } 2>/dev/null && echo 'root writable'
{ true > /usr/stave-self-test; } 2>/dev/null && echo 'usr writable'
{ true > /tmp/stave-self-test; } 2>/dev/null && echo 'tmp writable'
{ true > ./stave-self-test; } 2>/dev/null && echo 'work writable'
[ -c /dev/null ] && echo 'dev present'
for home in /root /home/* /Users; do
  [ -e "$home" ] && [ "$home" != ${WORKING_DIRECTORY} ] && echo 'home visible'
done
echo done
`

/** Starts the self-test in place of a runtime. */
export const selfTestLauncher: RuntimeLauncher = {
  kind: 'self-test',
  family: 'nodejs',
  interpreter: '/bin/sh',
  version: '0',
  mounts: [],
  command: ['/bin/sh', '-c', SCRIPT],
  hostCommand: ['/bin/sh', '-c', SCRIPT],
  environment: { PATH: '/usr/bin:/bin' },
}

export interface SelfTestReport {
  readonly noCapabilities: boolean
  readonly noNewPrivileges: boolean
  readonly seccomp: boolean
  /** User id as the container sees it. */
  readonly uid: number | undefined
  readonly processesHidden: boolean
  readonly rootReadOnly: boolean
  readonly tmpWritable: boolean
  readonly homeHidden: boolean
}

/** Processes of a healthy sandbox: the first one and the test's shell. */
const OWN_PROCESSES = 4

/** Reads the script's output; undefined when it did not get to its end or the sandbox is unfit to run anything (no /tmp, no working directory). */
export function readSelfTest(output: string): SelfTestReport | undefined {
  const seen = new Map(output.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']))
  if (!seen.has('done') || !seen.has('work')) return undefined
  const empty = (key: string): boolean => /^0+$/.test(seen.get(key) ?? '')
  return {
    // Without new privileges the bounding set gives nothing to anybody.
    noCapabilities: empty('CapEff:') && (empty('CapBnd:') || seen.get('NoNewPrivs:') === '1'),
    noNewPrivileges: seen.get('NoNewPrivs:') === '1',
    seccomp: seen.get('Seccomp:') === '2',
    uid: seen.has('Uid:') ? Number(seen.get('Uid:')) : undefined,
    processesHidden: Number(seen.get('processes') ?? '0') <= OWN_PROCESSES && seen.has('Uid:'),
    rootReadOnly: !seen.has('root') && !seen.has('usr'),
    tmpWritable: seen.has('tmp'),
    homeHidden: !seen.has('home'),
  }
}
