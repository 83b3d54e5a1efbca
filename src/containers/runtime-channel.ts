/**
 * The line to the runtime inside a container: one init, then runs. For sandboxed processes it is OpenWhisk's ActionLoop on file descriptors,
 * for containers of images HTTP. It knows nothing of limits, deadlines or records: the container proxy does.
 */

import type { ActivationId } from '../model/ids.ts'

/** What came back of an init or a run. */
export type RuntimeReply =
  /**
   * `status` as the HTTP form of the contract has it (200 is success); `body` is only valid until the callback returns. `tookMs`: how long the run took by
   * the runtime's own account, where it gives one.
   */
  | { readonly type: 'answer'; readonly status: number; readonly body: Buffer; readonly tookMs?: number }
  /** The body exceeded the channel's bound and was cut off: its full length in bytes and its beginning. */
  | { readonly type: 'tooLarge'; readonly status: number; readonly length: number; readonly prefix: Buffer }
  /** The container went away, or closed the line, without an answer. `reached` false: no byte of the message got there, so what was to run has not begun. */
  | { readonly type: 'lost'; readonly reached?: false }

export type OutputStream = 'stdout' | 'stderr'

/**
 * Receives what the container printed, in order within each stream. `activationId` is given where the runtime tells runs apart
 * (concurrency above 1); otherwise it belongs to the one run that is under way. The chunk is only valid during the call.
 */
export type OutputListener = (stream: OutputStream, chunk: Buffer, activationId: ActivationId | undefined) => void

export interface RuntimeChannel {
  /** True after an init whose runtime announced that it answers overlapping runs. */
  readonly concurrent: boolean
  /**
   * True after an init whose runtime announced that it takes further runs while one is under way and runs them one after the other. Its output carries
   * activation ids, as that of overlapping runs does.
   */
  readonly pipelined: boolean
  /** False when the run that was answered last is known to have printed nothing: there is no output to wait for. */
  readonly outputPending: boolean
  /** Set by the container proxy before `init`. */
  onOutput: OutputListener
  /** Sends the JSON text of an init message (`{"value":{name, main, binary, code, env}}`, no newline inside). Calls back exactly once. */
  init(message: string, done: (reply: RuntimeReply) => void): void
  /** Longest answer in bytes that is kept whole; set by the container proxy before each run. */
  answerLimitBytes: number
  /**
   * Sends one run message: JSON text without a newline, as a string whose characters are the bytes of its UTF-8 form (latin1), so that a payload goes
   * from socket to pipe without being decoded. Calls back exactly once, for runs in flight at the container's end with `lost`.
   */
  run(activationId: ActivationId, message: string, done: (reply: RuntimeReply) => void): void
  /**
   * Calls back when all output that was written before the last reply has been handed to `onOutput`; at once when that is so already. `whole` is false
   * when that could not be made sure of: the process goes on printing.
   */
  drained(done: (whole: boolean) => void): void
}
