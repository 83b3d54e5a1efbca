/** `stave action get`: the action, one field, a summary, its URL, or its code in a file. */

import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { isWebAction } from '../action-annotations.ts'
import { extensionOf } from '../action-kinds.ts'
import type { ApiAnswer } from '../api-client.ts'
import { describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { Connection } from '../connection.ts'
import { parseEntityName } from '../entity-name.ts'
import { generalError, messageOf, systemCodeOf } from '../failure.ts'
import { annotationOf, annotationsOf, objectsOf, textOf } from '../fields.ts'
import { bold, printJson, printJsonText, printOk } from '../output.ts'

interface GetOptions {
  readonly summary?: boolean
  readonly url?: boolean
  readonly save?: boolean
  readonly saveAs?: string
}

/** Prints or saves an action. */
export async function getAction(cli: Cli, command: Command, entity: string, field: string | undefined): Promise<void> {
  const options = optionsOf<GetOptions>(command)
  const api = openApi(cli, command)
  const target = parseEntityName(entity, api.connection.namespace)
  let answer: ApiAnswer
  try {
    const needsCode = options.summary !== true && options.url !== true
    const path = ['actions', ...target.segments]
    answer = await api.call({ method: 'GET', namespace: target.namespace, path, query: { code: needsCode } })
  } catch (error) {
    throw describeFailure(`Unable to get action '${entity}'`, error, api.connection)
  }
  const action = answer.json
  if (!isJsonObject(action)) throw generalError(`Unable to get action '${entity}': the answer is no JSON object.`)
  const name = bold(cli, target.name)
  if (options.save === true || options.saveAs !== undefined) return saveCode(cli, action, options.saveAs)
  if (options.url === true) {
    const url = urlOfAction(action, api.connection)
    if (options.json === true) printJson(cli, { url })
    else printOk(cli, `got action ${name}\n${url}`)
    return
  }
  if (options.summary === true) return cli.shell.out(summaryOf(action))
  if (field === undefined) {
    if (options.json !== true) printOk(cli, `got action ${name}`)
    return printJsonText(cli.shell.out, answer.text)
  }
  const value = Object.hasOwn(action, field) ? action[field] : undefined
  if (value === undefined)
    throw generalError(`Invalid field filter '${field}'. An action has: ${Object.keys(action).join(', ')}.`)
  if (options.json !== true) printOk(cli, `got action ${name}, displaying field ${bold(cli, field)}`)
  return printJson(cli, value)
}

function saveCode(cli: Cli, action: JsonObject, saveAs: string | undefined): void {
  const exec = isJsonObject(action.exec) ? action.exec : {}
  const { code, kind, binary } = exec
  if (typeof code !== 'string' || typeof kind !== 'string' || kind === 'sequence') {
    throw generalError(`Action '${textOf(action.name)}' has no code that could be saved (its kind is ${textOf(kind)}).`)
  }
  const file = resolve(cli.shell.cwd, saveAs ?? `${textOf(action.name)}${extensionOf(kind, binary === true)}`)
  try {
    // `wx`: never over what is there already.
    writeFileSync(file, Buffer.from(code, binary === true ? 'base64' : 'utf8'), { flag: 'wx' })
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') {
      throw generalError(`The file '${file}' already exists; remove it, or give another name with --save-as.`, error)
    }
    throw generalError(`Cannot write '${file}': ${messageOf(error)}.`, error)
  }
  printOk(cli, `saved action code to ${file}`)
}

/** The URL that invokes the action: its web URL where it is a web action, else that of the API. */
export function urlOfAction(action: JsonObject, { apihost, apiVersion }: Connection): string {
  const [namespace = '', pkg] = textOf(action.namespace).split('/')
  const name = textOf(action.name)
  const base = `${apihost}/api/${apiVersion}`
  if (isWebAction(annotationsOf(action))) return `${base}/web/${escaped([namespace, pkg ?? 'default', name])}`
  return `${base}/namespaces/${escaped([namespace])}/actions/${escaped(pkg === undefined ? [name] : [pkg, name])}`
}

function escaped(segments: readonly string[]): string {
  return segments.map((segment) => encodeURIComponent(segment)).join('/')
}

/** `action /ns/name: description` and its parameters: `*` marks bound ones, `**` bound ones that are final. */
export function summaryOf(action: JsonObject): string {
  const description = annotationOf(action, 'description')
  const bound = namesOf(action.parameters, 'key')
  const declared = namesOf(annotationOf(action, 'parameters'), 'name')
  const mark = annotationOf(action, 'final') === true ? '**' : '*'
  const names = [...new Set([...declared, ...bound])].sort().map((name) => (bound.includes(name) ? mark + name : name))
  return (
    `action /${textOf(action.namespace)}/${textOf(action.name)}${typeof description === 'string' ? `: ${description}` : ''}\n` +
    `   (parameters: ${names.length === 0 ? 'none defined' : names.join(', ')})\n`
  )
}

function namesOf(list: unknown, field: 'key' | 'name'): readonly string[] {
  return objectsOf(list).map((entry) => textOf(entry[field]))
}
