/** Which strategies work on this host, and which of them is taken. */

import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Location } from './locate-freezer.ts'
import type { PauseName } from './pause-strategy.ts'
import { PAUSE_NAMES } from './pause-strategy.ts'
import type { RuncVersion } from './runc-version.ts'
import { parseRuncVersion, runcMismatch } from './runc-version.ts'

/** What was found out about each strategy. */
export interface PauseProbes {
  /** Why it does not work here; undefined: it does. */
  readonly cgroup: string | undefined
  readonly runc: string | undefined
}

export interface PauseChoice {
  readonly chosen: PauseName
  readonly unusable: ReadonlyMap<PauseName, string>
  /** What an operator should know: the strategy that was asked for is not the one in force. */
  readonly warning: string | undefined
}

/**
 * The strategy that the configuration names where it works here, else the best that does, with a warning. The engine's API always works; `none` is only
 * taken when it is named.
 */
export function choosePause(wanted: PauseName | 'auto', probes: PauseProbes): PauseChoice {
  const unusable = new Map<PauseName, string>()
  if (probes.cgroup !== undefined) unusable.set('cgroup', probes.cgroup)
  if (probes.runc !== undefined) unusable.set('runc', probes.runc)
  const reason = wanted === 'auto' ? undefined : unusable.get(wanted)
  if (wanted !== 'auto' && reason === undefined) return { chosen: wanted, unusable, warning: undefined }
  // Who asked for runc gets the engine, as OpenWhisk's operators expect it; `auto` takes the cheapest.
  const chosen = wanted === 'auto' ? (PAUSE_NAMES.find((name) => !unusable.has(name)) ?? 'docker') : 'docker'
  const remedy =
    wanted === 'runc'
      ? 'give the platform the engine’s runc (docker.paths.runcBinary), or set INVOKER_USE_RUNC=false'
      : 'set docker.pause'
  const warning =
    reason === undefined
      ? undefined
      : `containers cannot be suspended by ${wanted} here, and are by ${chosen}: ${reason}; ${remedy}`
  return { chosen, unusable, warning }
}

/** Whether freezers can be written below `root`, asked of a container's own freezer where there is one, else of the hierarchy's root. */
export function probeFreezer(root: string, container?: Location): string | undefined {
  if (container !== undefined) return 'unreachable' in container ? container.unreachable : undefined
  const parent = existsSync(`${root}/cgroup.controllers`) ? root : `${root}/freezer`
  if (!existsSync(parent)) return `there are no control groups at ${root}: set docker.paths.cgroup`
  try {
    accessSync(`${parent}/cgroup.procs`, constants.W_OK)
    return undefined
  } catch {
    return `the control groups at ${parent} may not be written: run the platform as root, and mount docker.paths.cgroup writable where it runs in a container`
  }
}

export interface RuncProbe {
  /** The program; undefined when none was found. */
  readonly binary: string | undefined
  /** Directory of its state. */
  readonly root: string
  /** What the engine tells of its runc. */
  readonly engine: RuncVersion
  /** The engine's default runtime is runc, so far as it tells. */
  readonly isDefaultRuntime?: boolean
  /** Output of `BINARY --version`. */
  readonly versionOf: (binary: string) => Promise<string>
}

/** Whether the host's runc can take the engine's containers over. Never rejects. */
export async function probeRunc(probe: RuncProbe): Promise<string | undefined> {
  const { binary, root, engine, isDefaultRuntime = true } = probe
  if (binary === undefined) return 'there is no runc on this host: set docker.paths.runcBinary'
  if (!isDefaultRuntime) return 'the engine starts containers with another runtime than runc'
  try {
    const mismatch = runcMismatch(parseRuncVersion(await probe.versionOf(binary)), engine)
    if (mismatch !== undefined) return mismatch
  } catch (error) {
    return `${binary} does not work: ${error instanceof Error ? error.message : String(error)}`
  }
  // The directory itself comes with the engine's first container, its grandparent with the engine.
  return existsSync(root) || existsSync(dirname(dirname(root)))
    ? undefined
    : `there is no state of runc at ${root}: set docker.paths.runc`
}
