/** `stave action get`: the action, one field, a summary, its URL, or its code in a file. */

import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { isWebAction } from '../action-annotations.ts'
import { extensionOf } from '../action-kinds.ts'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { Connection } from '../connection.ts'
import { parseEntityName } from '../entity-name.ts'
import { entitySummary } from '../entity-summary.ts'
import { generalError, messageOf, systemCodeOf } from '../failure.ts'
import { annotationsOf, textOf } from '../fields.ts'
import { bold, printJson, printOk } from '../output.ts'
import { objectOf, printEntity } from '../print-entity.ts'

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
  const answer = await attempt(`Unable to get action '${entity}'`, api, () => {
    const needsCode = options.summary !== true && options.url !== true
    const path = ['actions', ...target.segments]
    return api.call({ method: 'GET', namespace: target.namespace, path, query: { code: needsCode } })
  })
  const got = { kind: 'action', name: target.name, answer } as const
  const action = objectOf(got)
  if (options.save === true || options.saveAs !== undefined) return saveCode(cli, action, options.saveAs)
  if (options.url === true) {
    const url = urlOfAction(action, api.connection)
    if (options.json === true) printJson(cli, { url })
    else printOk(cli, `got action ${bold(cli, target.name)}\n${url}`)
    return
  }
  if (options.summary === true) {
    const fullName = `/${textOf(action.namespace)}/${textOf(action.name)}`
    return cli.shell.out(entitySummary(cli, 'action', fullName, action))
  }
  return printEntity(cli, got, field, options.json === true)
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
