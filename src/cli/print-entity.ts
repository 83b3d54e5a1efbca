/** Prints an entity that was got: all of it, or one field. */

import type { JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { ApiAnswer } from './api-client.ts'
import type { Cli } from './cli.ts'
import { generalError } from './failure.ts'
import { bold, printJson, printJsonText, printOk } from './output.ts'

export interface GotEntity {
  readonly kind: 'action' | 'package' | 'trigger' | 'rule'
  /** As the `ok:` line names it. */
  readonly name: string
  readonly answer: ApiAnswer
}

/** The answer's object. Throws where a server answers something else. */
export function objectOf({ kind, name, answer }: GotEntity): JsonObject {
  if (isJsonObject(answer.json)) return answer.json
  throw generalError(`Unable to get ${kind} '${name}': the answer is no JSON object.`)
}

/** Prints the entity, or only `field` of it. With `json` nothing but JSON. */
export function printEntity(cli: Cli, got: GotEntity, field: string | undefined, json: boolean): void {
  const { kind, answer } = got
  const entity = objectOf(got)
  const name = bold(cli, got.name)
  if (field === undefined) {
    if (!json) printOk(cli, `got ${kind} ${name}`)
    return printJsonText(cli.shell.out, answer.text)
  }
  const value = Object.hasOwn(entity, field) ? entity[field] : undefined
  if (value === undefined) {
    const article = kind === 'action' ? 'An' : 'A'
    throw generalError(`Invalid field filter '${field}'. ${article} ${kind} has: ${Object.keys(entity).join(', ')}.`)
  }
  if (!json) printOk(cli, `got ${kind} ${name}, displaying field ${bold(cli, field)}`)
  return printJson(cli, value)
}
