/**
 * A Docker Engine of the tests' own: Debian's dockerd on a fresh directory, with its own containerd, a real bridge and iptables. It runs in the namespaces
 * that own-namespaces.ts makes, where its addresses and chains are nobody else's and where it can reach nothing outside of them.
 */

import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askEngine } from './engine-api.ts'
import { ownDirectory } from './own-namespaces.ts'

const READY_TIMEOUT_MS = 30_000
/** dockerd gives containers five seconds (below) and then ends them by force. */
const END_TIMEOUT_MS = 20_000
const POLL_MS = 20
const LAST_WORDS = 2000
/** What all engines of one run take their networks from, /24 each. */
const ADDRESSES = '10.89.0.0/16'

export interface PrivateEngineOptions {
  /** default false: containers end with the daemon. */
  readonly liveRestore?: boolean
  /** default true. A second engine must not have them, both would write the same chains: without, it has a network namespace of its own with nothing in it. */
  readonly networks?: boolean
  /** Size of the file system that images and containers are on; default: that of the temporary directory. */
  readonly diskMb?: number
}

export interface PrivateEngine {
  /** For `DOCKER_HOST`: `unix://…/docker.sock`. */
  readonly dockerHost: string
  readonly directory: string
  /** Ends the daemon with SIGKILL and waits until it is gone. Containers keep running until it is started again. */
  kill(): Promise<void>
  /** Stops the daemon from running, and lets it go on: it hangs in between, with its connections open. */
  hang(): void
  goOn(): void
  /** Ends the daemon if it runs, in its own time, and starts it again on the same directory; resolves when it answers. Idempotent. */
  restart(options?: Pick<PrivateEngineOptions, 'liveRestore'>): Promise<void>
  /** Removes all containers and networks, ends the daemon and removes its directory. Idempotent. */
  stop(): Promise<void>
}

/** Starts an engine and resolves when it answers. Rejects with the daemon's last words when it does not within 30 s. */
export async function startPrivateEngine(options: PrivateEngineOptions = {}): Promise<PrivateEngine> {
  const parent = ownDirectory()
  if (parent === undefined) {
    throw new Error('a private engine needs namespaces of its own: npm run test:docker, or test/docker/with-engine.ts')
  }
  const directory = mkdtempSync(join(parent, 'engine-'))
  const data = join(directory, 'data')
  mkdirSync(data)
  if (options.diskMb !== undefined) await run('mount', '-t', 'tmpfs', '-o', `size=${options.diskMb}m`, 'tmpfs', data)
  writeFileSync(join(directory, 'options.json'), JSON.stringify(options))
  writeFileSync(join(directory, 'daemon.json'), '{}')
  const engine = attachPrivateEngine(directory)
  await engine.restart()
  return engine
}

/** The engine on `directory`, for another process of the same run than the one that started it. */
export function attachPrivateEngine(directory: string): PrivateEngine {
  const dockerHost = `unix://${join(directory, 'docker.sock')}`
  return {
    dockerHost,
    directory,
    async kill() {
      await end(directory, 'SIGKILL')
    },
    hang: () => signalDaemon(directory, 'SIGSTOP'),
    goOn: () => signalDaemon(directory, 'SIGCONT'),
    async restart(change = {}) {
      await end(directory, 'SIGTERM')
      const before = JSON.parse(readFileSync(join(directory, 'options.json'), 'utf8')) as PrivateEngineOptions
      const options = { ...before, ...change }
      writeFileSync(join(directory, 'options.json'), JSON.stringify(options))
      launch(directory, options)
      await answering(dockerHost, directory)
    },
    async stop() {
      // A daemon that was killed or hangs takes its containers along when the namespaces end.
      await removeAll(dockerHost).catch(() => undefined)
      await end(directory, 'SIGTERM')
      // Lazily: a container whose daemon was killed may still have it.
      for (const point of mountsBelow(directory)) await run('umount', '--lazy', point)
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function launch(directory: string, options: PrivateEngineOptions): void {
  const log = openSync(join(directory, 'log'), 'a')
  const networks = options.networks ?? true
  const command = [
    // Where there is to be no bridge dockerd removes docker0, whosever that is.
    ...(networks ? [] : ['unshare', '--net']),
    'dockerd',
    ...['--host', `unix://${join(directory, 'docker.sock')}`],
    // The host's own /etc/docker/daemon.json is for the host's own daemon.
    ...['--config-file', join(directory, 'daemon.json')],
    ...['--data-root', join(directory, 'data')],
    ...['--exec-root', join(directory, 'exec')],
    ...['--pidfile', join(directory, 'docker.pid')],
    ...['--cgroup-parent', `/${cgroupParent(directory)}`],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ...['--shutdown-timeout', '5'],
    // The default is five, with pauses of a minute in all.
    ...['--max-download-attempts', '1'],
    ...['--userland-proxy=false'],
    ...(networks
      ? ['--default-address-pool', `base=${ADDRESSES},size=24`]
      : ['--bridge=none', '--iptables=false', '--ip6tables=false']),
    ...(options.liveRestore === true ? ['--live-restore'] : []),
  ]
  const [program = '', ...parameters] = command
  const daemon = spawn(program, parameters, {
    // It outlives the process that starts it: each file of tests is one.
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: directory },
  })
  daemon.unref()
  closeSync(log)
  // Whether it started is told by its answering.
  daemon.once('error', () => undefined)
}

async function answering(dockerHost: string, directory: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    try {
      if ((await askEngine(dockerHost, 'GET', '/_ping')).status === 200) return
    } catch {
      // Not there yet.
    }
    if (Date.now() > deadline) {
      const log = readFileSync(join(directory, 'log'), 'utf8')
      throw new Error(`dockerd does not answer. Its last words:\n${log.slice(-LAST_WORDS)}`)
    }
    await sleep(POLL_MS)
  }
}

async function removeAll(dockerHost: string): Promise<void> {
  const containers = (await askEngine(dockerHost, 'GET', '/containers/json?all=1')).json() as readonly { Id: string }[]
  await Promise.all(containers.map(({ Id }) => askEngine(dockerHost, 'DELETE', `/containers/${Id}?force=1&v=1`)))
  await askEngine(dockerHost, 'POST', '/networks/prune')
}

/** Signals the daemon and waits until it is gone; by force when that takes too long. */
async function end(directory: string, signal: NodeJS.Signals): Promise<void> {
  const pid = daemonOf(directory)
  if (pid === undefined) return
  process.kill(pid, signal)
  const deadline = Date.now() + END_TIMEOUT_MS
  while (isAlive(pid)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL')
    await sleep(POLL_MS)
  }
  rmSync(join(directory, 'docker.sock'), { force: true })
}

function signalDaemon(directory: string, signal: NodeJS.Signals): void {
  const pid = daemonOf(directory)
  if (pid === undefined) throw new Error('the engine does not run')
  process.kill(pid, signal)
}

/** The daemon's process, undefined when there is none. */
function daemonOf(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, 'docker.pid'), 'utf8'))
    // A number that was left behind may be another process's by now.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(directory, 'docker.pid')) ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Each engine has a group of its own below that of the run, which the run removes. */
function cgroupParent(directory: string): string {
  return directory.split('/').slice(-2).join('/')
}

/** What is mounted in the directory, the innermost first: besides the disk of its own whatever the daemon and its containers did not take away. */
function mountsBelow(directory: string): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  return points.filter((point) => point.startsWith(`${directory}/`)).toReversed()
}

async function run(command: string, ...parameters: readonly string[]): Promise<void> {
  const child = spawn(command, parameters, { stdio: 'ignore' })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ${parameters.join(' ')} failed`)
}
