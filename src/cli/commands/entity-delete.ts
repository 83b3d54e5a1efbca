/** `delete` of an entity. */

import type { Command } from 'commander'
import type { ApiClient, Query } from '../api-client.ts'
import { attempt } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { bold, printJsonText, printOk } from '../output.ts'

export interface Doomed {
  readonly kind: 'action' | 'package' | 'trigger' | 'rule'
  readonly target: EntityName
  /** The name as it was typed, for messages. */
  readonly typed: string
  readonly query?: Query
}

/** Deletes the entity and prints one line. */
export function deleteEntity(cli: Cli, command: Command, api: ApiClient, doomed: Doomed): Promise<void> {
  const { kind, target, typed, query } = doomed
  return attempt(`Unable to delete ${kind} '${typed}'`, api, async () => {
    const path = [`${kind}s`, ...target.segments]
    const answer = await api.call({
      method: 'DELETE',
      namespace: target.namespace,
      path,
      ...(query !== undefined && { query }),
    })
    if (optionsOf(command).json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `deleted ${kind} ${bold(cli, target.name)}`)
  })
}
