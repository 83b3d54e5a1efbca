/** The page docs/errors.md: every refusal by its code, every outcome that the platform words. Texts come from the sources where they are values there. */

import { STATUS_PHRASES } from '../src/model/activation.ts'
import type { RefusalCode } from '../src/model/errors.ts'
import { DEFAULT_MESSAGES } from '../src/model/errors.ts'
import { MESSAGES } from '../src/proxy/classify.ts'

export interface RefusalEntry {
  readonly statuses: readonly number[]
  readonly meaning: string
  /** Texts that clients see, `…` for what varies; absent: the default text of the status. The tests find each in the sources. */
  readonly texts?: readonly string[]
  /** What the caller can do. */
  readonly remedy: string
  /** How long `Retry-After` asks to wait; absent: there is no such header. */
  readonly retryAfter?: string
  /** Answered before a handler: no CORS headers. default false */
  readonly atRouting?: boolean
  /** Nothing refuses with it. default false */
  readonly unused?: boolean
}

/** One entry a code: the compiler asks for those that are missing. Statuses and texts are compared with the sources by test/docs.test.ts. */
export const REFUSALS: Readonly<Record<RefusalCode, RefusalEntry>> = {
  BAD_REQUEST: {
    statuses: [400],
    meaning: 'A value is outside of what is allowed: a name, a limit, an id, a combination of parameters.',
    texts: [
      'requirement failed: …',
      'The name of the entity contains illegal characters.',
      'The namespace contains illegal characters.',
      'Activation id length is … but must be 32.',
      'Request defines parameters that are not allowed (e.g., reserved properties).',
      "The '…' runtime is no longer supported. You may read and delete but not update or invoke this action.",
      'Max action instance concurrency must not exceed your namespace concurrency of …',
      'exec undefined',
      'No component specified for the sequence.',
      'Sequence component does not exist.',
      'Sequence may not refer to itself.',
      'Too many actions in the sequence.',
      'Binding references a package that does not exist.',
      'Cannot bind to another package binding.',
      'Operation not permitted on package binding.',
      'rule requires a valid trigger and a valid action',
      '… does not exist',
      'document type … did not match expected type …',
      'Feed name is not valid',
      "The parameter 'docs' is not permitted with 'count'.",
    ],
    remedy: 'Change the value that the text names.',
  },
  MALFORMED_CONTENT: {
    statuses: [400],
    meaning:
      'The body is not JSON, not UTF-8, or not of the shape that is needed; or the kind of an action is not one that this server runs.',
    texts: [
      'The request content was malformed:',
      "The specified runtime '…' is not supported by this platform. Valid values are: …",
    ],
    remedy: 'Send what the second line of the text asks for.',
    atRouting: true,
  },
  MALFORMED_QUERY: {
    statuses: [400],
    meaning: 'A query parameter cannot be read.',
    texts: ["The query parameter '…' was malformed:"],
    remedy: 'Change the parameter that the text names.',
    atRouting: true,
  },
  UNAUTHENTICATED: {
    statuses: [401],
    meaning: 'No credentials, or none of the scheme Basic.',
    texts: ['The resource requires authentication, which was not supplied with the request'],
    remedy: 'Send `Authorization: Basic` with base64 of `uuid:key`.',
    atRouting: true,
  },
  INVALID_CREDENTIALS: {
    statuses: [401],
    meaning: 'The credentials are malformed, unknown, or those of a blocked subject.',
    texts: ['The supplied authentication is invalid'],
    remedy: 'Ask the operator: `stave user get`, `stave user unblock`.',
    atRouting: true,
  },
  FORBIDDEN: {
    statuses: [403],
    meaning:
      "Another namespace's entity, one in a package that is not shared, or a kind that the namespace may not use; a component of a sequence counts as if it were called itself.",
    texts: [
      "The supplied authentication is not authorized to access '…'.",
      "The supplied authentication is not authorized to access actions of kind '…'.",
      "GET not permitted for '…' since it's a shared package",
    ],
    remedy:
      'Use your own namespace (`_`), or have the package shared; kinds are set by `stave limits set NAMESPACE --allowedKinds`; shared packages can be read where `entitlement.sharedPackagesExecuteOnly` is off.',
  },
  NOT_FOUND: {
    statuses: [404],
    meaning: 'The entity, the activation or the subject does not exist; of a binding, the package that it stands for.',
    texts: [
      'The requested resource does not exist.',
      "The requested resource '…' does not exist.",
      'Only rules with existing triggers can be activated',
      'Subject id is not recognized',
      'There is no namespace "…"',
    ],
    remedy:
      'Check name and namespace. Records are removed by age and number: `activations.retentionMs`, `activations.retentionCount`.',
  },
  NO_ROUTE: {
    statuses: [404],
    meaning: 'The path, or this method on it, leads nowhere.',
    texts: ['The requested resource could not be found.'],
    remedy: 'Compare the path with the API’s document: `/docs` on the server shows it.',
    atRouting: true,
  },
  METHOD_NOT_ALLOWED: {
    statuses: [405],
    meaning: 'The path exists but not with this method; `Allow` names the others.',
    texts: ['HTTP method not allowed, supported methods: …'],
    remedy: 'Use one of the methods that are named.',
    atRouting: true,
  },
  NOT_ACCEPTABLE: {
    statuses: [406],
    meaning: 'The header `Accept` excludes JSON.',
    texts: ['Resource representation is only available with these types:'],
    remedy: 'Accept `application/json`.',
    atRouting: true,
  },
  CONFLICT: {
    statuses: [409, 422],
    meaning:
      'The entity exists already, or somebody else wrote it at the same time; bindings that lead back to themselves (422); in the admin API also a taken key.',
    texts: [
      'resource already exists',
      'Resource by this name exists but is not in this collection.',
      'Concurrent modification to resource detected.',
      'Package not empty (contains …). Set force param or delete package contents.',
      'Resource is a package and cannot be converted into a binding.',
      'Cannot bind to a resource that is not a package.',
      "Package binding '…' contains a circular reference.",
      'Namespace "…" holds … entities: delete it with force',
      'Namespace already exists',
      'The subject you want to edit is blocked',
      'The authorization id belongs to another subject',
    ],
    remedy:
      'Update instead of create (`overwrite=true`); after a concurrent modification read and write again; delete a package with its contents by `force=true`.',
  },
  TOO_LARGE: {
    statuses: [413],
    meaning: 'Payload, code, parameters or annotations are larger than allowed.',
    texts: ['Request larger than allowed: … bytes.', '… larger than allowed: …'],
    remedy: 'Send less, or raise `limits.payloadBytes`, `limits.codeBytes` or `limits.parametersBytes`.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    statuses: [415],
    meaning: 'The body is not declared as JSON.',
    texts: ["The request's Content-Type [… is not supported. Expected:"],
    remedy: 'Send `Content-Type: application/json`.',
    atRouting: true,
  },
  INVALID_RESPONSE: {
    statuses: [400, 404],
    meaning: 'What a web action returned cannot be made into the answer that its extension or its headers ask for.',
    texts: [
      'There was an error processing your request.',
      "Response is not valid '…/…'.",
      'Response did not specify a known content-type.',
      'Response type in header did not match generated content type.',
      'Response does not include requested property.',
    ],
    remedy:
      'Mend the action: see [web actions](web-actions.md). The activation’s id is in `x-openwhisk-activation-id`.',
  },
  NOT_READY: {
    statuses: [202],
    meaning: 'A web action did not end within `limits.blockingWaitMs`. It goes on.',
    texts: ['Response not yet ready.'],
    remedy: 'Fetch the activation later; its id is in `x-openwhisk-activation-id`.',
  },
  RATE_LIMITED: {
    statuses: [429],
    meaning: 'The namespace has made more calls, or fired more triggers, in the last minute than it may.',
    texts: ['Too many requests in the last minute (count: …, allowed: …'],
    remedy:
      'Wait, or raise `limits.invocationsPerMinute` or `limits.firesPerMinute`, for one namespace by `stave limits set`; see [limits](limits.md).',
    retryAfter: 'until the window has room again',
  },
  CONCURRENCY_LIMITED: {
    statuses: [429],
    meaning: 'As many activations of the namespace as are allowed run or wait.',
    texts: ['Too many concurrent requests in flight (count: …, allowed: …'],
    remedy: 'Wait for some to end, or raise `limits.concurrentInvocations`.',
    retryAfter: '1 s',
  },
  QUEUE_FULL: {
    statuses: [503],
    meaning:
      'As many requests wait for containers as may (`router.maxParked`, `router.maxParkedPerAction`), or 20,000 wait for the turn of their namespace, or one has for `router.parkTimeoutMs`, or the journal is full (`journal.maxEntries`, `journal.maxBytes`), or the namespace holds its fair share of one of them: see [limits](limits.md#shares).',
    remedy: 'Try again; if it stays, the node has too little room for the load: see `containers.memoryMb`.',
    retryAfter: '1 s',
  },
  NO_CAPACITY: {
    statuses: [503],
    meaning: 'Reserved. A lack of capacity ends as an activation with the status whisk internal error.',
    remedy: 'None needed.',
    unused: true,
  },
  STORE_UNAVAILABLE: {
    statuses: [503],
    meaning:
      'Neither the activation store nor memory nor the spool can take another record: nothing is accepted that could not be recorded.',
    remedy: 'Free the disk of the data directory. The server recovers by itself.',
    retryAfter: '1 s',
  },
  SHUTTING_DOWN: {
    statuses: [503],
    meaning: 'The server was told to stop and accepts nothing new.',
    remedy: 'Try again when it is back.',
    retryAfter: '1 s',
  },
  CLIENT_GONE: {
    statuses: [499],
    meaning: 'The client closed the connection before its request was complete. No answer is sent.',
    texts: ['The client closed the connection before its request was complete.'],
    remedy: 'None needed.',
  },
}

/** Outcomes of activations that the platform words, by OpenWhisk's status code. */
const OUTCOMES: readonly { readonly statusCode: 1 | 2 | 3; readonly text: string; readonly when: string }[] = [
  { statusCode: 2, text: MESSAGES.initExited, when: 'The runtime ended while it loaded the code.' },
  { statusCode: 2, text: MESSAGES.runExited, when: 'The runtime ended during a run: a crash, or `process.exit()`.' },
  { statusCode: 2, text: MESSAGES.outOfMemory, when: 'The container reached its memory limit (`limits.memory`).' },
  {
    statusCode: 2,
    text: cut(MESSAGES.timedOut(0)),
    when: 'A run reached the action’s time limit. The container is removed.',
  },
  { statusCode: 2, text: cut(MESSAGES.initTimedOut(0)), when: 'Loading the code reached the time limit.' },
  {
    statusCode: 2,
    text: MESSAGES.invalidInit('…'),
    when: 'The runtime refused the code, and not with an error object.',
  },
  { statusCode: 2, text: MESSAGES.invalidRun('…'), when: 'The answer is no JSON object or array.' },
  {
    statusCode: 1,
    text: MESSAGES.truncated(0, 0, '…').replaceAll(/\b0\b/g, '…'),
    when: 'The result exceeds `limits.payloadBytes`.',
  },
  {
    statusCode: 1,
    text: 'Action could not be found or may have been deleted.',
    when: 'The action was deleted between acceptance and run.',
  },
  {
    statusCode: 1,
    text: 'Action limit exceeded the system limit.',
    when: 'The operator has lowered a limit below what the action was written with; it is not run.',
  },
  {
    statusCode: 1,
    text: 'Sequence component does not exist.',
    when: 'A component was deleted since the sequence was written.',
  },
  {
    statusCode: 1,
    text: 'Too many actions in the sequence.',
    when: 'Inner sequences have become longer since, and `limits.sequenceLength` is used up.',
  },
  {
    statusCode: 1,
    text: 'Too many actions in the composition.',
    when: 'The conductor ran twice as often as `limits.sequenceLength`, and once more, without coming to an end.',
  },
  {
    statusCode: 2,
    text: "Failed to pull container image '…'.",
    when: 'The action is of kind `blackbox`, and its image cannot be had: this version runs none.',
  },
  {
    statusCode: 3,
    text: 'Activation failure during composition.',
    when: 'The platform could not run a step; or the conductor returned something that is no object.',
  },
  { statusCode: 3, text: 'Sequence failed.', when: 'The platform could not run a component.' },
  {
    statusCode: 1,
    text: 'The action was not invoked due to a blacklisted namespace.',
    when: 'The key of a journalled call was removed or blocked before it ran.',
  },
  {
    statusCode: 3,
    text: 'Failed to provision resources to run the action.',
    when: 'No container within `router.parkTimeoutMs`, or the code could not be read.',
  },
  {
    statusCode: 3,
    text: 'no node is large enough: …',
    when: 'The action needs more than any node has.',
  },
  {
    statusCode: 3,
    text: 'the runtime was not ready within … ms',
    when: 'A container was not started in time (`containers.startTimeoutMs`).',
  },
  {
    statusCode: 3,
    text: 'the runtime ended at once (…',
    when: 'A container could not be started; the rest of the text is what it printed.',
  },
  {
    statusCode: 3,
    text: 'The caller went away before the action was started.',
    when: 'A blocking caller hung up while its request was parked.',
  },
  {
    statusCode: 3,
    text: 'The server stopped before the action was started.',
    when: 'A blocking call was parked when the server was stopped.',
  },
  {
    statusCode: 3,
    text: 'The action was interrupted by a failure of the platform.',
    when: 'A journalled run was cut off by a crash; with the annotation `idempotent` it runs again instead.',
  },
  {
    statusCode: 3,
    text: 'The action was not started before its deadline.',
    when: 'A journalled call waited longer than `journal.deadlineMs`.',
  },
  {
    statusCode: 1,
    text: 'Sequence component does not exist.',
    when: 'A component was deleted after the sequence was made.',
  },
  {
    statusCode: 1,
    text: 'Too many actions in the sequence.',
    when: 'Its inner sequences have become longer: more than `limits.sequenceLength` actions.',
  },
  {
    statusCode: 1,
    text: 'Too many actions in the composition.',
    when: 'A conductor went on after `limits.sequenceLength` components, or after twice as many runs and one.',
  },
  {
    statusCode: 3,
    text: 'Sequence failed.',
    when: 'There was no place in any queue for a later step, or the store did not answer.',
  },
  {
    statusCode: 3,
    text: 'Activation failure during composition.',
    when: 'The same of a composition; or the conductor returned no object.',
  },
]

/** What a conductor is given as `error` in place of a component's result. */
const CONDUCTOR_ERRORS: readonly (readonly string[])[] = [
  ['Failed to parse action name from json value … during composition.', 'It asked for an action whose name is none.'],
  [
    "Failed to resolve action with name '…' during composition.",
    'It asked for an action that is not there, or that returned an array.',
  ],
  [
    "Failed entitlement check for action with name '…' during composition.",
    'It asked for an action that its caller may not call, or whose package is not there.',
  ],
  ['Too many actions in the composition.', 'It asked for more components than `limits.sequenceLength`.'],
]

const HTTP_LAYER: readonly (readonly string[])[] = [
  [
    '400',
    'the request cannot be read, the target has a bad escape, or the declared body is larger than `limits.requestBytes`',
  ],
  ['408', 'headers or body did not come in time (`http.headersTimeoutMs`, `http.requestTimeoutMs`)'],
  ['413', 'the body turned out larger than `limits.requestBytes`'],
  ['414', 'the target is longer than 8192 characters'],
  ['417', 'the header `Expect` asks for something else than `100-continue`'],
  ['431', 'the headers are too large'],
  ['503', 'the server is starting; with Retry-After'],
]

const LOG_LINES: readonly (readonly string[])[] = [
  [
    'Logs were truncated because the total bytes size exceeds the limit of … bytes.',
    'The run printed more than `limits.logs`.',
  ],
  [MESSAGES.logsMayBeMissing, 'The container was given up with the run.'],
  [
    "Rule '…' is inactive, action '…' was not activated.",
    'Of a fire: the rule was disabled. Rules whose action was refused have the refusal’s text there.',
  ],
]

/** Every text that the page shows besides those of refusals; the tests find each in the sources. */
export const SHOWN_TEXTS: readonly string[] = [
  ...OUTCOMES.map(({ text }) => text),
  ...[...CONDUCTOR_ERRORS, ...LOG_LINES].map(([text = '']) => text),
]

/** Markdown of docs/errors.md. */
export function renderErrorPage(): string {
  return [
    '# Errors',
    '',
    'Written by `npm run docs` from `docs/error-reference.ts`; do not edit.',
    '',
    'An error of the platform is `{"error": TEXT, "code": TRANSACTION_ID}`; an error of an action has no `code`. The transaction id is also the header `X-Request-ID`, and in the log.',
    'Texts are OpenWhisk’s where it has one. Where a code below says “default text”, it is the one of its status:',
    '',
    ...table(['status', 'default text'], Object.entries(DEFAULT_MESSAGES)),
    '',
    '## Refusals',
    '',
    'What the caller can change. The heading is the name that the sources have for it; clients see status and text. Those marked _routing_ carry no CORS headers, as in OpenWhisk.',
    '',
    ...Object.entries(REFUSALS).flatMap(([code, entry]) => refusalLines(code, entry)),
    '## Answers of the HTTP layer',
    '',
    'Plain text; the connection is closed.',
    '',
    ...table(['status', 'when'], HTTP_LAYER),
    '',
    '## Faults',
    '',
    'What is ours: 500 with the default text, or 503 with `Retry-After: 1` where trying again can help (a store that does not answer, a journal that cannot write). The cause is in the log, at level `error`, under the transaction id.',
    '',
    '## Outcomes of activations',
    '',
    'A completed blocking call answers 200 (success), 502 (application error, action developer error) or 500 (whisk internal error); with `result=true` the body is the result alone.',
    '',
    ...table(
      ['status code', 'text', 'when'],
      OUTCOMES.map(({ statusCode, text, when }) => [`${statusCode} ${STATUS_PHRASES[statusCode]}`, text, when]),
    ),
    '',
    'What a conductor is told instead of a result, as `{"error": TEXT}`; it decides what becomes of the composition:',
    '',
    ...table(['text', 'when'], CONDUCTOR_ERRORS),
    '',
    'In the log of an activation:',
    '',
    ...table(['text', 'when'], LOG_LINES),
    '',
  ].join('\n')
}

function refusalLines(code: string, entry: RefusalEntry): readonly string[] {
  const { statuses, meaning, texts, remedy, retryAfter, atRouting, unused } = entry
  return [
    `### ${code}`,
    '',
    `- Status ${statuses.join(', ')}${atRouting === true ? ', _routing_' : ''}${retryAfter === undefined ? '' : `; Retry-After: ${retryAfter}`}${unused === true ? '; not in use' : ''}.`,
    `- ${meaning}`,
    ...(texts ?? []).map((text) => `- Text: \`${text}\``),
    ...(texts === undefined && unused !== true ? ['- Default text.'] : []),
    `- Remedy: ${remedy}`,
    '',
  ]
}

/** The text with its number left open. */
function cut(text: string): string {
  return text.replace(/\b0\b/, '…')
}

/** Columns are padded, as the formatter of the repository wants them. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)]
}
