/** Invoking an action and printing what came of it: `action invoke`, and the calls that triggers make to their feeds. */

import type { JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { ApiAnswer, ApiClient } from './api-client.ts'
import { ApiError } from './api-client.ts'
import type { Cli } from './cli.ts'
import type { EntityName } from './entity-name.ts'
import { bold, printJsonText, printOk } from './output.ts'

export interface Waiting {
  /** Wait for the activation. */
  readonly blocking: boolean
  /** Answer with the result alone. */
  readonly result: boolean
}

/**
 * Posts the invocation. A failure of the action itself (502 or 500 without the error envelope) is an answer here, not an error; anything else is
 * rejected with as `ApiClient.call` does.
 */
export async function postInvocation(
  api: ApiClient,
  target: EntityName,
  parameters: Readonly<Record<string, JsonValue>>,
  { blocking, result }: Waiting,
): Promise<ApiAnswer> {
  try {
    return await api.call({
      method: 'POST',
      namespace: target.namespace,
      path: ['actions', ...target.segments],
      query: { blocking, result },
      body: JSON.stringify(parameters),
    })
  } catch (error) {
    if (error instanceof ApiError && blocking && isOutcome(error.answer)) return error.answer
    throw error
  }
}

/** True for the answer for a failed action: refusals have `code` beside `error`, outcomes have not. */
export function isOutcome({ status, json }: ApiAnswer): boolean {
  return (status === 502 || status === 500) && isJsonObject(json) && json.code === undefined
}

/** The id in an answer to an invocation or a fire; '' where there is none. */
export function activationIdOf({ json }: ApiAnswer): string {
  return isJsonObject(json) && typeof json.activationId === 'string' ? json.activationId : ''
}

/** Prints what `postInvocation` answered. As with `wsk`, what came of a failed action, and that one has not finished, go to standard error. */
export function printInvocation(cli: Cli, target: EntityName, answer: ApiAnswer, { blocking, result }: Waiting): void {
  const id = activationIdOf(answer)
  const name = `/${bold(cli, target.namespace)}/${bold(cli, target.name)}`
  if (blocking && answer.status === 202) {
    cli.shell.err(`ok: invoked ${name}, but the request has not yet finished, with id ${bold(cli, id)}\n`)
    return
  }
  const failed = answer.status >= 400
  const write = failed ? cli.shell.err : cli.shell.out
  if (!result) {
    const text = `invoked ${name} with id ${bold(cli, id)}`
    if (failed) write(`ok: ${text}\n`)
    else printOk(cli, text)
  }
  if (blocking) printJsonText(write, answer.text)
}
