/** What the command line gets of the process it runs in. Commands use this and nothing else, so that tests run them without a process. */

export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute paths. */
  readonly cwd: string
  readonly homedir: string
  /** Directory of this user's for what can be made again; undefined where there is none. */
  readonly cacheDir: string | undefined
  /** Write to standard output and standard error; the text brings its own line ends. */
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** True when standard output is a terminal: bold and colour make sense. */
  readonly isTerminal: boolean
  /** Width of the terminal in characters, where there is one. */
  readonly columns: number | undefined
  /** Wall-clock time in ms since the epoch. */
  readonly now: () => number
  /** Calls `listener` at each such signal, instead of the process ending; returns how to stop that. */
  readonly onSignal: (signal: 'SIGINT' | 'SIGTERM', listener: () => void) => () => void
  /** Ends the process at once, whatever is under way. */
  readonly exitNow: (code: number) => void
}
