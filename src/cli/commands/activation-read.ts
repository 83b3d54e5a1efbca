/** `stave activation list`, `get`, `logs` and `result`. */

import type { Command } from 'commander'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { ACTIVATION_HEADER, formatActivationRow, printable, stripLogLine } from '../activation-format.ts'
import type { ApiAnswer, ApiClient, Query } from '../api-client.ts'
import { describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseEntityName } from '../entity-name.ts'
import { generalError, usageError } from '../failure.ts'
import { logsOf, objectsOf, textOf } from '../fields.ts'
import { bold, printJson, printJsonText, printOk } from '../output.ts'

interface ListOptions {
  readonly skip: number
  readonly limit: number
  readonly full?: boolean
  readonly since?: number
  readonly upto?: number
}

interface ReadOptions {
  readonly last?: boolean
  readonly summary?: boolean
  readonly logs?: boolean
  readonly strip?: boolean
}

/** Lists activations as a table, or whole with --full. */
export async function listActivations(cli: Cli, command: Command, filter: string | undefined): Promise<void> {
  const options = optionsOf<ListOptions>(command)
  const api = openApi(cli, command)
  const full = options.full === true
  const { skip, limit, since, upto } = options
  const items = await query(api, filter, { skip, limit, since, upto, ...(full && { docs: true }) })
  if (options.json === true) return printJson(cli, items)
  if (full) {
    cli.shell.out(`${bold(cli, 'activations')}\n`)
    for (const item of items) printJson(cli, item)
    return
  }
  cli.shell.out(`${bold(cli, ACTIVATION_HEADER)}\n${items.map((item) => `${formatActivationRow(item)}\n`).join('')}`)
}

/** Prints a record, a field, a summary or the stripped logs of it. */
export async function getActivation(
  cli: Cli,
  command: Command,
  first: string | undefined,
  second: string | undefined,
): Promise<void> {
  const options = optionsOf<ReadOptions>(command)
  const api = openApi(cli, command)
  const id = await idOf(api, first, options.last)
  const answer = await read(api, [id], `Unable to get activation '${id}'`)
  const record = answer.json
  if (!isJsonObject(record)) throw generalError(`Unable to get activation '${id}': the answer is no JSON object.`)
  if (options.summary === true) {
    // The list's row, for which a record has everything but the code of its status.
    const statusCode = STATUS_CODES[textOf(isJsonObject(record.response) ? record.response.status : 'success')]
    return cli.shell.out(`${formatActivationRow({ ...record, statusCode })}\n`)
  }
  if (options.logs === true) return printLines(cli, logsOf(record), true)
  if (second === undefined) {
    if (options.json !== true) printOk(cli, `got activation ${bold(cli, id)}`)
    return printJsonText(cli.shell.out, answer.text)
  }
  const value = Object.hasOwn(record, second) ? record[second] : undefined
  if (value === undefined) {
    throw generalError(`Invalid field filter '${second}'. An activation has: ${Object.keys(record).join(', ')}.`)
  }
  if (options.json !== true) printOk(cli, `got activation ${bold(cli, id)}, displaying field ${bold(cli, second)}`)
  return printJson(cli, value)
}

const STATUS_CODES: Readonly<Record<string, number>> = {
  success: 0,
  'application error': 1,
  'action developer error': 2,
  'whisk internal error': 3,
}

/** Prints the log lines of an activation. */
export async function printLogs(cli: Cli, command: Command, first: string | undefined): Promise<void> {
  const options = optionsOf<ReadOptions>(command)
  const api = openApi(cli, command)
  const id = await idOf(api, first, options.last)
  const answer = await read(api, [id, 'logs'], `Unable to get logs for activation '${id}'`)
  if (options.json === true) return printJsonText(cli.shell.out, answer.text)
  return printLines(cli, logsOf(answer.json), options.strip === true)
}

/** Prints the result of an activation. */
export async function printResult(cli: Cli, command: Command, first: string | undefined): Promise<void> {
  const options = optionsOf<ReadOptions>(command)
  const api = openApi(cli, command)
  const id = await idOf(api, first, options.last)
  const answer = await read(api, [id, 'result'], `Unable to get result for activation '${id}'`)
  if (options.json === true) return printJsonText(cli.shell.out, answer.text)
  return printJson(cli, isJsonObject(answer.json) ? (answer.json.result ?? null) : null)
}

/** Prints log lines, safe for a terminal. */
function printLines(cli: Cli, lines: readonly string[], strip: boolean): void {
  const text = (line: string): string => (strip ? stripLogLine(line) : line)
  cli.shell.out(lines.map((line) => `${cli.shell.isTerminal ? printable(text(line)) : text(line)}\n`).join(''))
}

async function idOf(api: ApiClient, first: string | undefined, last: boolean | undefined): Promise<string> {
  if (last !== true) {
    if (first === undefined) throw usageError('An activation id is required, or --last for the latest activation.')
    return first
  }
  const [latest] = await query(api, first, { limit: 1 })
  if (typeof latest?.activationId === 'string') return latest.activationId
  throw generalError(first === undefined ? 'There is no activation yet.' : `There is no activation of '${first}' yet.`)
}

async function read(api: ApiClient, path: readonly string[], what: string): Promise<ApiAnswer> {
  try {
    return await api.call({ method: 'GET', namespace: api.connection.namespace, path: ['activations', ...path] })
  } catch (error) {
    throw describeFailure(what, error, api.connection)
  }
}

async function query(api: ApiClient, filter: string | undefined, parameters: Query): Promise<readonly JsonObject[]> {
  const target = filter === undefined ? undefined : parseEntityName(filter, api.connection.namespace)
  const namespace = target?.namespace ?? api.connection.namespace
  try {
    const { json } = await api.call({
      method: 'GET',
      namespace,
      path: ['activations'],
      query: { ...parameters, name: target?.name },
    })
    return objectsOf(json)
  } catch (error) {
    throw describeFailure(
      `Unable to obtain the list of activations for namespace '${namespace}'`,
      error,
      api.connection,
    )
  }
}
