/** `stave action invoke`. */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isJsonObject } from '../../model/json.ts'
import type { ApiAnswer, ApiClient } from '../api-client.ts'
import { ApiError, describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseEntityName } from '../entity-name.ts'
import { exitCodeOfStatus } from '../failure.ts'
import { toObject } from '../key-values.ts'
import { bold, printJsonText, printOk } from '../output.ts'

interface InvokeOptions {
  readonly blocking?: boolean
  readonly result?: boolean
}

/** Invokes an action and prints what came of it; returns the exit code. */
export async function invokeAction(cli: Cli, command: Command, entity: string): Promise<number> {
  const options = optionsOf<InvokeOptions>(command)
  const api = openApi(cli, command)
  const target = parseEntityName(entity, api.connection.namespace)
  const result = options.result === true
  const blocking = result || options.blocking === true
  const parameters = toObject(cli.keyValues, 'parameter', (path) => readFileSync(resolve(cli.shell.cwd, path), 'utf8'))
  try {
    const answer = await post(api, target, JSON.stringify(parameters), blocking, result)
    if (options.json === true) printJsonText(cli.shell.out, answer.text)
    else print(cli, target, answer, blocking, result)
    if (blocking && answer.status === 202) return exitCodeOfStatus(202)
    return answer.status < 400 ? 0 : exitCodeOfStatus(answer.status)
  } catch (error) {
    throw describeFailure(`Unable to invoke action '${entity}'`, error, api.connection)
  }
}

/** Posts the invocation. A failure of the action itself (502 or 500 without the error envelope) is an answer here, not an error. */
async function post(
  api: ApiClient,
  target: EntityName,
  body: string,
  blocking: boolean,
  result: boolean,
): Promise<ApiAnswer> {
  try {
    return await api.call({
      method: 'POST',
      namespace: target.namespace,
      path: ['actions', ...target.segments],
      query: { blocking, result },
      body,
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

function print(cli: Cli, target: EntityName, answer: ApiAnswer, blocking: boolean, result: boolean): void {
  const id = isJsonObject(answer.json) && typeof answer.json.activationId === 'string' ? answer.json.activationId : ''
  const name = `/${bold(cli, target.namespace)}/${bold(cli, target.name)}`
  if (blocking && answer.status === 202) {
    cli.shell.err(`ok: invoked ${name}, but the request has not yet finished, with id ${bold(cli, id)}\n`)
    return
  }
  // As with wsk, what came of a failed action goes to standard error.
  const failed = answer.status >= 400
  const write = failed ? cli.shell.err : cli.shell.out
  if (!result) {
    const text = `invoked ${name} with id ${bold(cli, id)}`
    if (failed) write(`ok: ${text}\n`)
    else printOk(cli, text)
  }
  if (blocking) printJsonText(write, answer.text)
}
