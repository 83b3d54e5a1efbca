/** `stave package get`. */

import type { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseTopName } from '../entity-name.ts'
import { entitySummary } from '../entity-summary.ts'
import type { JsonObject } from '../../model/json.ts'
import { objectsOf, textOf } from '../fields.ts'
import { objectOf, printEntity } from '../print-entity.ts'

/** Prints a package, one field of it, or its summary. */
export async function getPackage(cli: Cli, command: Command, typed: string, field: string | undefined): Promise<void> {
  const { summary, json } = optionsOf<{ readonly summary?: boolean }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'package')
  const answer = await attempt(`Unable to get package '${typed}'`, api, () =>
    api.call({ method: 'GET', namespace: target.namespace, path: ['packages', target.name] }),
  )
  const got = { kind: 'package', name: target.name, answer } as const
  if (summary === true) cli.shell.out(summaryOf(cli, objectOf(got)))
  else printEntity(cli, got, field, json === true)
}

/** The package, then each action and each feed of it. */
function summaryOf(cli: Cli, entity: JsonObject): string {
  const fullName = `/${textOf(entity.namespace)}/${textOf(entity.name)}`
  const contents = (kind: string, list: unknown): readonly string[] =>
    objectsOf(list).map((member) => entitySummary(cli, kind, `${fullName}/${textOf(member.name)}`, member))
  return [
    entitySummary(cli, 'package', fullName, entity),
    // As wide as `package`, so that the names are below each other.
    ...contents(' action', entity.actions),
    ...contents(' feed  ', entity.feeds),
  ].join('')
}
