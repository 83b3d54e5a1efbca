/** The logger of a running process: JSON lines by pino, or text for people where a terminal reads them. */

import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Clock } from '../model/clock.ts'
import type { LogFields, Logger } from './logger.ts'
import { redactFields, redactText } from './redact.ts'

/** Lines that wait for a reader of standard output that does not keep up; more are dropped, because blocking would stop the data plane. */
const MAX_BUFFERED_BYTES = 4 * 1024 ** 2
const STANDARD_OUTPUT = 1

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** `auto`: pretty when `terminal`. */
  readonly format: 'auto' | 'json' | 'pretty'
  /** Standard output is a terminal (`process.stdout.isTTY`). */
  readonly terminal: boolean
  readonly clock: Clock
  /** Where lines go; absent: standard output. */
  readonly destination?: DestinationStream
}

/** The root logger of a process, with what its owner needs: how many lines were lost, and the end. */
export interface RootLogger extends Logger {
  /** Lines that were dropped because nobody read them fast enough. */
  dropped(): number
  /** Writes out what is buffered; call it before the process exits. Never throws. */
  flush(): void
}

/** Opens the log. Resolves at once for JSON; the pretty printer is loaded when it is needed, in this thread. */
export async function createLogger(options: LoggerOptions): Promise<RootLogger> {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && options.terminal)
  let dropped = 0
  const drop = (): void => {
    dropped++
  }
  const sink = pretty ? await prettySink(options) : (options.destination ?? standardOutput(drop))
  const root = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  )
  return {
    ...wrap(root),
    dropped: () => dropped,
    flush() {
      try {
        if ('flushSync' in sink && typeof sink.flushSync === 'function') sink.flushSync()
      } catch {
        // Standard output is gone or full: there is nobody left to tell, but its loss is counted.
        dropped++
      }
    },
  }
}

function wrap(inner: pino.Logger): Logger {
  return {
    debugEnabled: inner.isLevelEnabled('debug'),
    debug: (fields, message) => {
      // Redaction costs more than the check: not for lines that nobody sees.
      if (inner.isLevelEnabled('debug')) inner.debug(redactFields(fields), redactText(message))
    },
    info: (fields, message) => {
      if (inner.isLevelEnabled('info')) inner.info(redactFields(fields), redactText(message))
    },
    warn: (fields, message) => {
      if (inner.isLevelEnabled('warn')) inner.warn(redactFields(fields), redactText(message))
    },
    error: (fields, message) => inner.error(redactFields(fields), redactText(message)),
    child: (fields: LogFields) => wrap(inner.child(redactFields(fields))),
    verbose: () => wrap(inner.level === 'silent' ? inner : inner.child({}, { level: 'debug' })),
  }
}

function standardOutput(onDrop: () => void): DestinationStream {
  const stream = pino.destination({ fd: STANDARD_OUTPUT, sync: false, maxLength: MAX_BUFFERED_BYTES })
  stream.on('drop', onDrop)
  // A closed pipe (EPIPE) must not end the platform; the lines are lost.
  stream.on('error', onDrop)
  return stream
}

async function prettySink(options: LoggerOptions): Promise<DestinationStream> {
  const { build } = await import('pino-pretty')
  return build({
    colorize: options.terminal,
    messageKey: 'message',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    // Written at once: what a person reads has to stand before the prompt that follows a crash.
    sync: true,
    destination: options.destination ?? STANDARD_OUTPUT,
  })
}
