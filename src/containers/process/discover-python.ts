/** Finds the host's CPython interpreters and says how each is started: one kind `python:3.x` for every minor version from 3.9 on. */

import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute } from 'node:path'
import { installedFile } from '../installed-file.ts'
import { findPythonCandidates } from './python-candidates.ts'
import { isAlwaysVisible, showInstallation } from './python-installation.ts'
import type { PythonFacts } from './python-probe.ts'
import { probePythons } from './python-probe.ts'
import type { RuntimeLauncher, RuntimeMount } from './runtime-launcher.ts'

export interface DiscoverPythonOptions {
  /** Interpreter path per kind as configured; for its kind it wins over everything found. */
  readonly interpreters: Readonly<Record<string, string>>
  /** PATH of the platform. */
  readonly path: string
  /** Directory for what was learnt about interpreters. */
  readonly cacheDir: string
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void }
  /** Home directory whose version managers are searched; default: the user's. */
  readonly home?: string
}

export interface DiscoveredPython {
  readonly kind: string
  readonly launcher: RuntimeLauncher
}

const FIRST_MINOR = 9
/** Where the launcher's files are inside a sandbox. */
const TARGET = '/runtime/python'
const LAUNCHER_FILES = ['launcher.py', 'action_code.py', 'action_output.py', 'action_runs.py', 'action_archive.py']

/**
 * All kinds that this host can run, the default first: the version that `python3` is in PATH where it counts, else the newest. Never rejects:
 * an interpreter that does not answer is logged and left out.
 */
export async function discoverPython(options: DiscoverPythonOptions): Promise<readonly DiscoveredPython[]> {
  const configured = Object.entries(options.interpreters).filter(
    ([kind, path]) => kind.startsWith('python:') && isInterpreter(kind, path, options),
  )
  const home = options.home ?? homedir()
  const candidates = findPythonCandidates(options.path, home)
  const facts = await probePythons(
    [...new Set([...configured.map(([, path]) => path), ...candidates.map(({ path }) => path)])],
    options.cacheDir,
    (path, reason) => options.log.warn({ path, reason }, 'a Python interpreter did not answer and is not used'),
  )
  const kinds = new Map<string, RuntimeLauncher>()
  for (const [kind, path] of configured) {
    const answer = facts.get(path)
    if (answer === undefined) continue
    if (kindOf(answer) === kind) kinds.set(kind, launcherOf(kind, path, answer, home))
    else options.log.warn({ kind, path, version: answer.version }, 'the configured interpreter is of another version')
  }
  let preferred: string | undefined
  for (const { path, isDefault } of candidates) {
    const answer = facts.get(path)
    const kind = answer === undefined ? undefined : kindOf(answer)
    if (answer === undefined || kind === undefined) continue
    if (isDefault) preferred = kind
    if (!kinds.has(kind)) kinds.set(kind, launcherOf(kind, path, answer, home))
  }
  const sorted = [...kinds].sort(([one], [other]) => other.localeCompare(one, 'en', { numeric: true }))
  const first = sorted.find(([kind]) => kind === preferred)
  return [...(first === undefined ? [] : [first]), ...sorted.filter((entry) => entry !== first)].map(
    ([kind, launcher]) => ({ kind, launcher }),
  )
}

function isInterpreter(kind: string, path: string, { log }: DiscoverPythonOptions): boolean {
  if (isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true) return true
  log.warn({ kind, path }, 'the configured interpreter is not an absolute path of a file')
  return false
}

/** The kind an interpreter serves, or undefined for those that none exists for. */
function kindOf(facts: PythonFacts): string | undefined {
  const counts = facts.implementation === 'cpython' && facts.major === 3 && facts.minor >= FIRST_MINOR
  return counts ? `python:3.${facts.minor}` : undefined
}

function launcherOf(kind: string, interpreter: string, facts: PythonFacts, home: string): RuntimeLauncher {
  // -I: nothing of PYTHON* or of the user's site directory. -B: compiled copies of an action's modules would fill its /tmp for a single use.
  const flags = ['-I', '-B']
  const shown = showInstallation(kind, interpreter, facts, home)
  return {
    kind,
    family: 'python',
    interpreter,
    version: facts.version,
    mounts: [...shown.mounts, ...LAUNCHER_FILES.map((name) => launcherMount(name))],
    command: [shown.inside, ...flags, `${TARGET}/launcher.py`],
    hostCommand: [interpreter, ...flags, installedFile('runtimes/python/launcher.py')],
    environment: {
      PATH: isAlwaysVisible(shown.inside)
        ? '/usr/local/bin:/usr/bin:/bin'
        : `${dirname(shown.inside)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: '/tmp',
      LANG: 'C.UTF-8',
      // For Python processes that an action starts.
      PYTHONIOENCODING: 'UTF-8',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    sandboxEnvironment: shown.environment,
    ...(facts.canFork && { zygote: { command: [shown.host, ...flags, installedFile('runtimes/python/zygote.py')] } }),
  }
}

function launcherMount(name: string): RuntimeMount {
  return { source: installedFile(`runtimes/python/${name}`), target: `${TARGET}/${name}` }
}
