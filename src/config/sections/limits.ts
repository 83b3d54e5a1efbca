/** Keys of what users may do: OpenWhisk's limits, as the system sets them. Namespaces get their own through the admin API. */

import { integer } from '../field.ts'
import type { Field, FieldDoc, Unit } from '../field.ts'

const MB = 1024 ** 2
const DAY_MS = 86_400_000

type RangeFields = Readonly<Record<'min' | 'std' | 'max', Field<number>>>

export const limits = {
  invocationsPerMinute: integer(10_000, {
    unit: 'a minute',
    doc: 'Invocations of a namespace in a minute. 0 blocks them all.',
    failure: 'Calls above it are answered 429 with Retry-After.',
    whom: 'Operators of shared systems: lower (OpenWhisk ships 60).',
  }),
  concurrentInvocations: integer(1000, {
    doc: 'Invocations of a namespace that run or wait at once; also the most containers that one of its actions may have.',
    failure: 'Calls above it are answered 429 with Retry-After.',
    whom: 'Operators of shared systems: lower (OpenWhisk ships 30).',
  }),
  firesPerMinute: integer(10_000, {
    unit: 'a minute',
    doc: 'Trigger fires of a namespace in a minute. 0 blocks them all.',
    failure: 'Fires above it are answered 429 with Retry-After.',
    whom: 'Operators of shared systems: lower (OpenWhisk ships 60).',
  }),
  sequenceLength: integer(50, {
    min: 1,
    max: 1000,
    doc: 'Actions that a sequence has when its inner sequences are written out.',
    failure: 'Creating a longer one is answered 400.',
    whom: 'Users of long compositions.',
  }),
  timeout: range('ms', 100, 60_000, 300_000, DAY_MS, {
    doc: 'time that a run of an action may take',
    failure:
      'Actions outside the range are refused with 400; a run beyond its limit is ended and its container removed.',
    whom: 'Users with long-running work: a higher maximum.',
  }),
  memory: range('MB', 128, 256, 512, 1_048_576, {
    doc: 'memory of an action’s container',
    constraint: 'the maximum must fit `containers.memoryMb`',
    failure: 'Actions outside the range are refused with 400; a container beyond its limit is killed.',
    whom: 'Users with large programs: a higher maximum.',
  }),
  logs: range('MB', 0, 10, 10, 1024, {
    doc: 'log output kept of a run',
    failure: 'Actions outside the range are refused with 400; longer logs are cut and end with a notice.',
    whom: 'Operators who save space: lower.',
  }),
  concurrency: range(undefined, 1, 1, 500, 10_000, {
    doc: 'runs at once in one container',
    failure: 'Actions outside the range are refused with 400.',
    whom: 'Operators who do not want shared containers: maximum 1, as OpenWhisk ships it.',
  }),
  parametersBytes: integer(MB, {
    unit: 'bytes',
    doc: 'Size of an entity’s parameters, and of its annotations.',
    failure: 'Larger ones are refused with 413.',
    whom: 'Nobody by default.',
  }),
  codeBytes: integer(48 * MB, {
    unit: 'bytes',
    min: 1,
    doc: 'Size of an action’s code as uploaded (archives are counted in base64).',
    constraint: 'at most `limits.requestBytes`',
    failure: 'Larger code is refused with 413.',
    whom: 'Users with large archives.',
  }),
  payloadBytes: integer(MB, {
    unit: 'bytes',
    min: 1,
    doc: 'Size of what an invocation is given and of what it answers.',
    constraint: 'at most `limits.requestBytes`',
    failure: 'Larger requests are refused with 413; larger results become an application error.',
    whom: 'Users with large messages; each call under way may hold as much memory.',
  }),
  truncationBytes: integer(MB, {
    unit: 'bytes',
    doc: 'How much of a too large result its error message keeps.',
    constraint: 'at most `limits.payloadBytes`',
    failure: 'High values fill the activation store with cut-off results.',
    whom: 'Nobody by default.',
  }),
  blockingWaitMs: integer(60_000, {
    unit: 'ms',
    min: 100,
    doc: 'Time that a blocking call waits for its result before it is answered 202 with the activation id.',
    constraint: 'below `http.requestTimeoutMs`',
    failure: 'Longer than the time limit of a proxy in front: clients see 504 instead of 202.',
    whom: 'Operators with a proxy in front that waits for less than a minute.',
  }),
  requestBytes: integer(50 * MB, {
    unit: 'bytes',
    min: 1024,
    max: 1024 * MB,
    doc: 'Size of any request body.',
    failure: 'Larger requests are refused with 413.',
    whom: 'Whoever raises `limits.codeBytes` or `limits.payloadBytes`.',
  }),
  list: {
    std: integer(30, {
      min: 1,
      doc: 'Entries of a list where the request names no number.',
      constraint: 'at most `limits.list.max`',
      failure: 'High values make lists slow.',
      whom: 'Nobody by default.',
    }),
    max: integer(200, {
      min: 1,
      max: 10_000,
      doc: 'Entries of a list at most.',
      failure: 'Requests for more are refused with 400.',
      whom: 'Users of tools that ask for more.',
    }),
  },
}

/** Three keys: the lower bound, the value of actions that state none, the upper bound. */
function range(
  unit: Unit | undefined,
  min: number,
  std: number,
  max: number,
  ceiling: number,
  doc: FieldDoc,
): RangeFields {
  const key = (fallback: number, what: string, constraint: string): Field<number> =>
    integer(fallback, {
      ...doc,
      ...(unit !== undefined && { unit }),
      // Only a limit that may be 0 by default may be set to 0: no time, no memory and no run at once make no sense.
      min: Math.min(min, 1),
      max: ceiling,
      doc: `${what} ${doc.doc}.`,
      constraint: [constraint, ...(doc.constraint === undefined ? [] : [doc.constraint])].join('; '),
    })
  return {
    min: key(min, 'Least', 'at most `std`'),
    std: key(std, 'Standard', 'between `min` and `max`'),
    max: key(max, 'Greatest', 'at least `std`'),
  }
}
