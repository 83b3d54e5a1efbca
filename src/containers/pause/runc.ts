/** Suspension by the host's runc, beside the engine: OpenWhisk's way. It has to be the runc that the engine starts containers with. */

import { runTool } from '../host/run-tool.ts'
import type { PauseStrategy } from './pause-strategy.ts'
import { PauseUnusable } from './pause-strategy.ts'

const TIMEOUT_MS = 10_000

/** What another version of runc than the engine's says about the engine's state files. */
const INCOMPATIBLE = /json: cannot unmarshal \w+ into Go (?:value|struct field)/
/** It looks in a place where the engine's containers are not. */
const UNKNOWN_CONTAINER = /container "?[0-9a-z_-]*"? ?does not exist/
const NOT_PAUSED = /not paused/
/** The program itself cannot be started. */
const NO_PROGRAM = /spawn .* (?:ENOENT|EACCES|ENOEXEC)$/m

export interface RuncDeps {
  /** The program: an absolute path. */
  readonly binary: string
  /** Where the engine's runc keeps the state of containers: its `--root`. */
  readonly root: string
  /** Longest time that one call may take, in ms; default 10 s. */
  readonly timeoutMs?: number
}

/** The strategy by the program `binary`, one process a call. */
export function createRuncPause({ binary, root, timeoutMs = TIMEOUT_MS }: RuncDeps): PauseStrategy {
  const runc = async (command: 'pause' | 'resume', containerId: string): Promise<void> => {
    try {
      await runTool(binary, ['--root', root, command, containerId], '', timeoutMs)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (INCOMPATIBLE.test(message))
        throw new PauseUnusable('node', `${message} (this runc is not the engine’s)`, { cause: error })
      if (NO_PROGRAM.test(message)) throw new PauseUnusable('node', message, { cause: error })
      if (UNKNOWN_CONTAINER.test(message))
        throw new PauseUnusable('container', `${message}; is docker.paths.runc (${root}) right?`, { cause: error })
      throw error
    }
  }
  return {
    name: 'runc',
    suspend: (target) => runc('pause', target.containerId),
    async resume(target) {
      try {
        await runc('resume', target.containerId)
      } catch (error) {
        // One that runs is what was wanted. One that runc does not know may well be frozen: it looks in the wrong place then.
        if (error instanceof PauseUnusable || !(error instanceof Error) || !NOT_PAUSED.test(error.message)) throw error
      }
    },
  }
}
