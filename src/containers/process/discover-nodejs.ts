/** Finds the host's Node.js interpreters and says how each is started: one kind `nodejs:N` for every major version that the launcher runs on. */

import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { installedFile } from '../installed-file.ts'
import type { NodejsFiles } from './discover-nodejs-files.ts'
import { prepareNodejsFiles } from './discover-nodejs-files.ts'
import type { NodejsInterpreter } from './discover-nodejs-interpreters.ts'
import { askVersions, findNodejsBinaries } from './discover-nodejs-interpreters.ts'
import { realBinary } from './python-candidates.ts'
import type { RuntimeLauncher, RuntimeMount } from './runtime-launcher.ts'

export interface DiscoverNodejsOptions {
  /** Interpreter path per kind as configured; for its kind it wins over everything found. */
  readonly interpreters: Readonly<Record<string, string>>
  /** PATH of the platform. */
  readonly path: string
  /** The interpreter that runs the platform. */
  readonly execPath: string
  /** Directory for what was learnt about interpreters and for the launcher's files. */
  readonly cacheDir: string
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void }
  /** Home directory whose version managers are searched. */
  readonly home: string | undefined
}

export interface DiscoveredNodejs {
  readonly kind: string
  readonly launcher: RuntimeLauncher
}

/** What the launcher is tested on; an even newer Node.js is expected to run it. */
const FIRST_MAJOR = 18
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** Directories that every sandbox shows anyway. */
const ALWAYS_VISIBLE = /^\/(?:usr|lib|lib32|lib64|libx32|bin|sbin|nix\/store|gnu\/store)\//
const SANDBOX_LAUNCHER = '/runtime/nodejs'
const SANDBOX_MODULES = '/node_modules'

/**
 * All kinds that this host can run, the default first: that of the platform's own interpreter, then the newest. Rejects when the launcher's files cannot
 * be prepared; an interpreter that does not answer is logged and left out.
 */
export async function discoverNodejs(options: DiscoverNodejsOptions): Promise<readonly DiscoveredNodejs[]> {
  const { execPath, path, home, cacheDir, log } = options
  const configured = new Map<string, string>()
  for (const [kind, named] of Object.entries(options.interpreters)) {
    if (!kind.startsWith('nodejs:')) continue
    const binary = isAbsolute(named) ? realBinary(named) : undefined
    if (binary === undefined)
      log.warn({ kind, path: named }, 'the configured interpreter is not the absolute path of a program')
    else configured.set(kind, binary)
  }
  const found = findNodejsBinaries(execPath, path, home)
  const { interpreters, silent } = await askVersions([...new Set([...configured.values(), ...found])], cacheDir)
  for (const { path, reason } of silent)
    log.warn({ path, reason }, 'a Node.js interpreter did not answer and is not used')

  const chosen = new Map<string, NodejsInterpreter>()
  for (const [kind, binary] of configured) {
    const interpreter = interpreters.find(({ path }) => path === binary)
    if (interpreter === undefined) continue
    if (kindOf(interpreter) === kind) chosen.set(kind, interpreter)
    else
      log.warn({ kind, path: binary, version: interpreter.version }, 'the configured interpreter is of another version')
  }
  for (const interpreter of interpreters) {
    const kind = kindOf(interpreter)
    // A kind with a configured interpreter that does not work is left out: another one would not be what was asked for.
    const isTaken = chosen.has(kind) || kind in options.interpreters
    if (!isTaken && majorOf(interpreter) >= FIRST_MAJOR) chosen.set(kind, interpreter)
  }
  if (chosen.size === 0) return []

  const files = prepareNodejsFiles(dirname(installedFile('runtimes/nodejs/launcher.cjs')), cacheDir)
  const own = realBinary(execPath)
  const rank = (interpreter: NodejsInterpreter): number => (interpreter.path === own ? Infinity : majorOf(interpreter))
  return [...chosen]
    .sort(([, one], [, other]) => rank(other) - rank(one))
    .map(([kind, interpreter]) => ({ kind, launcher: launcherOf(kind, interpreter, files) }))
}

function majorOf({ version }: NodejsInterpreter): number {
  return Number.parseInt(version, 10)
}

function kindOf(interpreter: NodejsInterpreter): string {
  return `nodejs:${majorOf(interpreter)}`
}

function launcherOf(kind: string, { path, version }: NodejsInterpreter, files: NodejsFiles): RuntimeLauncher {
  const flags = flagsFor(version)
  const prefix = `/runtime/${kind.replace(':', '-')}`
  const isVisible = ALWAYS_VISIBLE.test(path)
  const inside = isVisible ? path : `${prefix}/bin/node`
  return {
    kind,
    family: 'nodejs',
    interpreter: path,
    version,
    mounts: [
      ...(isVisible ? [] : [{ source: path, target: inside }, ...npmMount(path, prefix)]),
      { source: files.launcher, target: SANDBOX_LAUNCHER },
      { source: files.modules, target: SANDBOX_MODULES },
    ],
    command: [inside, ...flags, `${SANDBOX_LAUNCHER}/launcher.cjs`],
    hostCommand: [path, ...flags, join(files.launcher, 'launcher.cjs'), files.modules],
    environment: {
      PATH: isVisible ? SYSTEM_PATH : `${dirname(inside)}:${SYSTEM_PATH}`,
      HOME: '/tmp',
      LANG: 'C.UTF-8',
    },
  }
}

/** An ES module that `require` loads is no experiment of the user's that its log should tell of. */
function flagsFor(version: string): readonly string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const canSilence = major > 21 || (major === 21 && minor >= 3) || (major === 20 && minor >= 11)
  return canSilence ? ['--disable-warning=ExperimentalWarning'] : []
}

/** npm beside an interpreter outside the system's directories, for installs at init; nothing else of that installation is shown. */
function npmMount(interpreter: string, prefix: string): readonly RuntimeMount[] {
  const source = join(dirname(interpreter), '../lib/node_modules/npm')
  return existsSync(source) ? [{ source, target: `${prefix}/lib/node_modules/npm` }] : []
}
