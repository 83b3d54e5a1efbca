/** What `stave doctor` finds out about this host, without touching a server that may run on it. */

import { accessSync, constants, existsSync, mkdtempSync, rmSync, statSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Resources } from '../containers/container-factory.ts'
import type { HostReport } from '../main/containers.ts'
import { openContainers } from '../main/containers.ts'
import { isLoopback } from '../main/listeners.ts'
import type { Check } from '../model/check-codes.ts'
import { systemClock, systemTimers } from '../model/clock.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { adminEndpoint } from './administration.ts'
import { messageOf, systemCodeOf } from './failure.ts'
import { serverListens } from './remote-administration.ts'

export interface DoctorReport {
  readonly platform: string
  readonly node: string
  readonly cpus: number
  readonly memoryMb: number
  readonly dataDir: Check
  readonly port: Check
  /** The engine and what it needs of the host; empty where containers are not an engine's. */
  readonly engine: readonly Check[]
  /** How containers would be kept apart, or why they cannot be started. */
  readonly containers: HostReport | Check
  /** What containers would have together. */
  readonly capacity: Resources
}

const MB = 1024 ** 2
/** Less than this and the stores soon refuse writes. */
const LOW_DISK_MB = 512

/** Looks at the host as a server with this configuration would. `path` is the PATH on which interpreters are looked for. Never rejects. */
export async function examineHost(config: Config, path: string): Promise<DoctorReport> {
  const serverRuns = await serverListens(adminEndpoint(config)).catch(() => true)
  const engine = config.containers.provider === 'docker' ? await examineEngine(config) : []
  const problem = engine.find(({ state }) => state === 'problem')
  const { containers, capacity } =
    problem === undefined ? await examineContainers(config, path) : { containers: problem, capacity: {} }
  return {
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    cpus: availableParallelism(),
    memoryMb: Math.round(totalmem() / MB),
    dataDir: examineDataDir(config.dataDir, serverRuns),
    port: await examinePort(config.host, config.port, serverRuns),
    engine,
    containers,
    capacity,
  }
}

async function examineEngine(config: Config): Promise<readonly Check[]> {
  // Loaded here because the client of the engine is of no use to those who have none.
  const [{ examineEngine: examine }, { checkEngine }] = await Promise.all([
    import('../containers/docker/examine-engine.ts'),
    import('../containers/docker/engine-checks.ts'),
  ])
  return checkEngine(await examine(config))
}

/** Starts the container factory of the configuration on directories of its own: it probes the host by building real sandboxes. */
async function examineContainers(config: Config, path: string): Promise<Pick<DoctorReport, 'containers' | 'capacity'>> {
  const directory = mkdtempSync(join(tmpdir(), 'stave-doctor-'))
  try {
    const { factory, host, stop } = await openContainers({
      config: { ...config, dataDir: directory },
      log: silentLogger,
      clock: systemClock,
      timers: systemTimers,
      path,
      runDir: join(directory, 'run'),
      apiHost: `http://127.0.0.1:${config.port}`,
      loopback: isLoopback(config.host),
      maxAnswerBytes: config.limits.payloadBytes,
    })
    const capacity = factory.nodes()[0]?.capacity ?? {}
    await stop()
    return { containers: host, capacity }
  } catch (error) {
    return { containers: { code: 'OW003', state: 'problem', text: messageOf(error) }, capacity: {} }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function examineDataDir(dataDir: string, serverRuns: boolean): Check {
  let existing = dataDir
  while (!existsSync(existing)) existing = dirname(existing)
  try {
    if (!statSync(existing).isDirectory()) {
      return {
        code: 'OW001',
        state: 'problem',
        text: `${existing} is not a directory`,
        remedy: 'choose another with --data-dir',
      }
    }
    accessSync(existing, constants.W_OK | constants.X_OK)
  } catch (error) {
    const remedy = 'make it writable for this user, or choose another with --data-dir'
    return { code: 'OW001', state: 'problem', text: `${existing} cannot be written: ${messageOf(error)}`, remedy }
  }
  const { bavail, bsize } = statfsSync(existing)
  const freeMb = Math.floor((bavail * bsize) / MB)
  const free = `${freeMb} MB free`
  if (freeMb < LOW_DISK_MB)
    return { code: 'OW001', state: 'note', text: `${dataDir}, only ${free}`, remedy: 'free some space' }
  if (serverRuns) return { code: 'OW001', state: 'ok', text: `${dataDir}, a server runs on it, ${free}` }
  return { code: 'OW001', state: 'ok', text: `${dataDir}${existing === dataDir ? '' : ', will be created'}, ${free}` }
}

async function examinePort(host: string, port: number, serverRuns: boolean): Promise<Check> {
  const code = await tryPort(host, port)
  if (code === undefined) return { code: 'OW002', state: 'ok', text: `${host}:${port} is free` }
  if (code === 'EADDRINUSE' && serverRuns)
    return { code: 'OW002', state: 'ok', text: `${host}:${port} is in use, by the server that runs here` }
  const reasons: Readonly<Record<string, Check>> = {
    EADDRINUSE: {
      code: 'OW002',
      state: 'problem',
      text: `${host}:${port} is in use`,
      remedy: 'stop what listens there, or choose another with --port',
    },
    EACCES: {
      code: 'OW002',
      state: 'problem',
      text: `${host}:${port} is not allowed to this user`,
      remedy: 'choose one above 1023 with --port',
    },
    EADDRNOTAVAIL: {
      code: 'OW002',
      state: 'problem',
      text: `${host} is no address of this host`,
      remedy: 'choose another with --host',
    },
  }
  return reasons[code] ?? { code: 'OW002', state: 'problem', text: `${host}:${port} cannot be listened on (${code})` }
}

/** The system's code when nobody can listen there now. */
function tryPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(systemCodeOf(error) ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
