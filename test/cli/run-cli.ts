/** Runs the command line in this process and keeps what it printed. */

import { main } from '../../src/cli/main.ts'
import type { Shell } from '../../src/cli/shell.ts'

export interface CliRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliSetting {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly homedir?: string
  readonly now?: () => number
  /** Receives the listener of each signal that the command waits for. */
  readonly onSignal?: Shell['onSignal']
  /** Is told everything that is printed on standard output, as it comes. */
  readonly onOut?: (text: string) => void
}

/** Runs `stave ARGS`. Nothing of this process's environment is seen by it. */
export async function runCli(args: readonly string[], setting: CliSetting = {}): Promise<CliRun> {
  let out = ''
  let err = ''
  const code = await main(args, {
    env: setting.env ?? {},
    cwd: setting.cwd ?? '/nonexistent',
    homedir: setting.homedir ?? '/nonexistent',
    cacheDir: undefined,
    out: (text) => {
      out += text
      setting.onOut?.(text)
    },
    err: (text) => void (err += text),
    isTerminal: false,
    columns: undefined,
    now: setting.now ?? (() => Date.now()),
    onSignal: setting.onSignal ?? (() => () => undefined),
    exitNow: (status) => {
      throw new Error(`the command ended the process with ${status}`)
    },
  })
  return { code, out, err }
}
