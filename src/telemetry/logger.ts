/** Logging as the rest of the platform sees it: a parameter, never an import of a library. */

/** What a line says besides its message. Values are redacted by name and by pattern (redact.ts); an `Error` goes under `error`. */
export type LogFields = Readonly<Record<string, unknown>>

/** No method throws or waits; a line that cannot be written is counted and dropped. */
export interface Logger {
  /** False: `debug` does nothing; lets hot code skip making the fields. */
  readonly debugEnabled: boolean
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger whose lines also carry these fields, for example `{ transactionId }`. */
  child(fields: LogFields): Logger
  /** The same with `debug` written whatever the level, for requests that ask for it. */
  verbose(): Logger
}

/** Writes nothing, for tests and tools. */
export const silentLogger: Logger = {
  debugEnabled: false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
  verbose: () => silentLogger,
}
