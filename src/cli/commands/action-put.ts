/** `stave action create`, `update` and `delete`. */

import type { Command } from 'commander'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import type { Annotation } from '../action-annotations.ts'
import { isWebAction, secureAnnotations, webAnnotations } from '../action-annotations.ts'
import type { CodeOptions } from '../action-code.ts'
import { readExec } from '../action-code.ts'
import type { ApiClient } from '../api-client.ts'
import { ApiError, describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseEntityName } from '../entity-name.ts'
import { generalError, usageError } from '../failure.ts'
import { annotationsOf } from '../fields.ts'
import { toEntries } from '../key-values.ts'
import { bold, printJsonText, printOk } from '../output.ts'
import { readFileFrom } from '../read-file.ts'
import { deleteEntity } from './entity-delete.ts'

interface PutOptions extends CodeOptions {
  readonly memory?: number
  readonly timeout?: number
  readonly logsize?: number
  readonly concurrency?: number
  readonly web?: string
  readonly webSecure?: string
  readonly copy?: boolean
  readonly delAnnotation?: readonly string[]
}

/** Creates or updates an action. */
export async function putAction(
  cli: Cli,
  command: Command,
  verb: 'create' | 'update',
  entity: string,
  file: string | undefined,
): Promise<void> {
  const options = optionsOf<PutOptions>(command)
  const api = openApi(cli, command)
  const target = parseEntityName(entity, api.connection.namespace)
  const what = `Unable to ${verb} action '${entity}'`
  try {
    const body = await bodyOf(cli, api, target, file, options)
    if (verb === 'create' && body['exec'] === undefined) {
      throw usageError('An action needs code: give a FILE, or an image with --docker.')
    }
    const answer = await api.call({
      method: 'PUT',
      namespace: target.namespace,
      path: ['actions', ...target.segments],
      query: { overwrite: verb === 'update' },
      body: JSON.stringify({ namespace: target.namespace, name: target.name, ...body }),
    })
    if (options.json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `${verb}d action ${bold(cli, target.name)}`)
  } catch (error) {
    throw describeFailure(what, error, api.connection)
  }
}

/** Deletes an action. */
export function deleteAction(cli: Cli, command: Command, entity: string): Promise<void> {
  const api = openApi(cli, command)
  const target = parseEntityName(entity, api.connection.namespace)
  return deleteEntity(cli, command, api, { kind: 'action', target, typed: entity })
}

/** The fields to send: only what was asked for, so that an update leaves the rest as it is. */
async function bodyOf(
  cli: Cli,
  api: ApiClient,
  target: EntityName,
  file: string | undefined,
  options: PutOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const readFile = readFileFrom(cli.shell.cwd)
  const parameters = toEntries(cli.keyValues, 'parameter', readFile)
  const secure = secureAnnotations(options.webSecure)
  const annotations = [
    ...webAnnotations(options.web),
    ...secure.set,
    ...(toEntries(cli.keyValues, 'annotation', readFile) ?? []),
  ]
  if (options.webSecure !== undefined && !(await staysWebAction(api, target, annotations))) {
    throw usageError('The --web-secure option is only valid when the --web option is enabled.')
  }
  const limits = {
    ...(options.timeout !== undefined && { timeout: options.timeout }),
    ...(options.memory !== undefined && { memory: options.memory }),
    ...(options.logsize !== undefined && { logs: options.logsize }),
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
  }
  const removed = [...(options.delAnnotation ?? []), ...secure.remove]
  const copied = options.copy === true ? await copyOf(api, file) : undefined
  const exec = copied === undefined ? await readExec(file, options, cli.shell.cwd, target.namespace) : undefined
  return {
    ...copied,
    ...(exec !== undefined && { exec }),
    ...(parameters !== undefined && { parameters }),
    ...(annotations.length > 0 && { annotations }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(removed.length > 0 && { delAnnotations: removed }),
  }
}

async function copyOf(api: ApiClient, source: string | undefined): Promise<JsonObject> {
  if (source === undefined) throw usageError('--copy takes the name of an existing action in place of FILE.')
  const { namespace, segments } = parseEntityName(source, api.connection.namespace)
  const { json } = await api.call({ method: 'GET', namespace, path: ['actions', ...segments] })
  if (!isJsonObject(json)) throw generalError(`The server's answer for action '${source}' is no JSON object.`)
  const { exec, parameters, annotations, limits } = json
  return { exec, parameters, annotations, limits }
}

async function staysWebAction(api: ApiClient, target: EntityName, given: readonly Annotation[]): Promise<boolean> {
  const mentioned = given.some(({ key }) => key === 'web-export')
  return isWebAction(mentioned ? given : await storedAnnotations(api, target))
}

async function storedAnnotations(api: ApiClient, target: EntityName): Promise<readonly Annotation[]> {
  try {
    const path = ['actions', ...target.segments]
    const { json } = await api.call({ method: 'GET', namespace: target.namespace, path, query: { code: false } })
    return annotationsOf(json)
  } catch (error) {
    // An update of an action that does not exist creates it.
    if (error instanceof ApiError && error.answer.status === 404) return []
    throw error
  }
}
