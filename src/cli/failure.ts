/** How commands fail: the exit codes, which are those of `wsk`, and the error that carries one. */

export const EXIT = { ok: 0, general: 1, usage: 2, network: 3 } as const

/** `wsk` exits with the HTTP status minus 256 as a byte: 404 becomes 148, 502 becomes 246, and a blocking call that was answered 202 stays 202. */
export function exitCodeOfStatus(status: number): number {
  return (status - 256) & 0xff
}

/** A command failed. `message` is one sentence or two: what, why, and how to mend it; it is printed after `error: `. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The command was called wrongly: exit code 2, and a pointer to the help is printed. */
export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message)
}

/** Anything else that is not a server's answer: exit code 1. */
export function generalError(message: string, cause?: unknown): CliError {
  return new CliError(EXIT.general, message, cause === undefined ? undefined : { cause })
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of an error of the operating system (`ENOENT`), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
