/** What `get --summary` prints of an entity: one line that says what it is, one with its parameters; the words are those of `wsk`. */

import type { JsonObject } from '../model/json.ts'
import type { Cli } from './cli.ts'
import { annotationOf, objectsOf, textOf } from './fields.ts'
import { bold } from './output.ts'

/** `KIND FULLNAME: description` and its parameters: `*` marks bound ones, `**` bound ones that are final. */
export function entitySummary(cli: Cli, kind: string, fullName: string, entity: JsonObject): string {
  const parameters = parametersOf(entity)
  const text = descriptionOf(entity, parameters)
  const list = parameters.length === 0 ? 'none defined' : parameters.map(({ shown }) => shown).join(', ')
  return `${bold(cli, kind)} ${fullName}${text === '' ? '' : `: ${text}`}\n   (${bold(cli, 'parameters')}: ${list})\n`
}

interface ShownParameter {
  readonly name: string
  readonly shown: string
}

/** Those that the entity's annotation declares and those that are bound, by name. */
function parametersOf(entity: JsonObject): readonly ShownParameter[] {
  const bound = namesOf(entity.parameters, 'key')
  const declared = namesOf(annotationOf(entity, 'parameters'), 'name')
  const mark = annotationOf(entity, 'final') === true ? '**' : '*'
  return [...new Set([...declared, ...bound])]
    .sort()
    .map((name) => ({ name, shown: bound.includes(name) ? mark + name : name }))
}

function descriptionOf(entity: JsonObject, parameters: readonly ShownParameter[]): string {
  const described = annotationOf(entity, 'description')
  if (typeof described === 'string' && described !== '') return described
  const names = parameters.map(({ name }) => name)
  const [last] = names.slice(-1)
  if (last === undefined) return ''
  if (names.length === 1) return `Returns a result based on parameter ${last}`
  return `Returns a result based on parameters ${names.slice(0, -1).join(', ')} and ${last}`
}

function namesOf(list: unknown, field: 'key' | 'name'): readonly string[] {
  return objectsOf(list).map((entry) => textOf(entry[field]))
}
