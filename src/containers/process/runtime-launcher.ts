/** How a kind is started as a process of the host: the interpreter that was found and the launcher script that speaks ActionLoop. */

/** A read-only view of a host directory or file inside the sandbox. */
export interface RuntimeMount {
  readonly source: string
  readonly target: string
}

export interface RuntimeLauncher {
  readonly kind: string
  readonly family: 'nodejs' | 'python'
  /** Absolute host path of the interpreter itself (no shim), for doctor and plain mode. */
  readonly interpreter: string
  /** Version as the interpreter tells it, for example `24.21.0`. */
  readonly version: string
  /** What the sandbox must show besides the system's libraries: interpreter and launcher directories. */
  readonly mounts: readonly RuntimeMount[]
  /** Command inside the sandbox (paths are mount targets). */
  readonly command: readonly [string, ...string[]]
  /** The same command on the bare host, for plain processes. */
  readonly hostCommand: readonly [string, ...string[]]
  /** Environment besides `__OW_API_HOST`: PATH, HOME, LANG and what the interpreter needs. */
  readonly environment: Readonly<Record<string, string>>
  /** Goes over `environment` in a sandbox: variables that name mount targets, which would mislead a plain process. */
  readonly sandboxEnvironment?: Readonly<Record<string, string>>
  /** Host command of a process that forks ready interpreters (see runtimes/python/zygote.py); undefined: each container is a process start. */
  readonly zygote?: { readonly command: readonly [string, ...string[]] }
}
