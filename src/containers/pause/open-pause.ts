/** The suspension of an engine's containers, from the configuration and what this host lets the platform do. */

import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { runTool } from '../host/run-tool.ts'
import { createCgroupFreezer, freezerState } from './cgroup-freezer.ts'
import type { PauseChoice } from './choose-pause.ts'
import { choosePause, probeFreezer, probeRunc } from './choose-pause.ts'
import type { PausingEngine } from './engine-pause.ts'
import { createEnginePause } from './engine-pause.ts'
import type { Pause } from './falling-back-pause.ts'
import { createPause } from './falling-back-pause.ts'
import type { CgroupPlaces } from './locate-freezer.ts'
import { locateFreezer } from './locate-freezer.ts'
import { noPause } from './no-pause.ts'
import type { PauseStrategy, PauseTarget } from './pause-strategy.ts'
import { createRuncPause } from './runc.ts'
import type { RuncVersion } from './runc-version.ts'

export interface OpenPauseDeps {
  readonly wanted: Config['docker']['pause']
  readonly engine: PausingEngine
  /** What the engine tells of its runc (`/version`, `/info`). */
  readonly engineRunc: RuncVersion
  readonly paths: {
    readonly cgroup: string
    readonly runc: string
    /** Undefined: there is none. */
    readonly runcBinary: string | undefined
  }
  /** A running container of the engine to ask for its freezer; undefined: the hierarchy is asked. */
  readonly sample?: PauseTarget
  readonly log: Logger
  /** Where processes are listed; default /proc. */
  readonly proc?: string
}

const VERSION_TIMEOUT_MS = 10_000

export interface OpenedPause {
  readonly pause: Pause
  readonly choice: PauseChoice
}

/** Probes the host and chooses. Takes one start of runc at most; never rejects. A strategy that was asked for and does not work here is a warning. */
export async function openPause(deps: OpenPauseDeps): Promise<OpenedPause> {
  const { wanted, paths, engine, log } = deps
  const places: CgroupPlaces = { root: paths.cgroup, proc: deps.proc ?? '/proc' }
  const sample = deps.sample === undefined ? undefined : locateFreezer(places, deps.sample)
  const probes = {
    cgroup: probeFreezer(paths.cgroup, sample),
    runc: await probeRunc({
      binary: paths.runcBinary,
      root: paths.runc,
      engine: deps.engineRunc,
      versionOf: (binary) => runTool(binary, ['--version'], '', VERSION_TIMEOUT_MS),
    }),
  }
  const choice = choosePause(wanted, probes)
  if (choice.warning !== undefined) log.warn({ wanted, chosen: choice.chosen }, choice.warning)
  else log.info({ wanted, chosen: choice.chosen }, `containers are suspended by ${choice.chosen}`)
  // The freezer can always be tried where all else fails; a runc that is not the engine's could do harm.
  const strategies: readonly PauseStrategy[] = [
    createCgroupFreezer(places),
    ...(probes.runc === undefined && paths.runcBinary !== undefined
      ? [createRuncPause({ binary: paths.runcBinary, root: paths.runc })]
      : []),
    createEnginePause(engine),
    noPause,
  ]
  const pause = createPause({
    strategies,
    chosen: choice.chosen,
    unusable: choice.unusable,
    isFrozen: freezerState(places),
    log,
  })
  return { pause, choice }
}
