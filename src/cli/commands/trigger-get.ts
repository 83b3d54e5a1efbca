/** `stave trigger get` and `delete`, which talk to the trigger's feed where it has one. */

import type { Command } from 'commander'
import type { ApiClient } from '../api-client.ts'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseEntityName, parseTopName } from '../entity-name.ts'
import { entitySummary } from '../entity-summary.ts'
import { messageOf } from '../failure.ts'
import { callFeed, feedOf, printFeed } from '../feed.ts'
import { textOf } from '../fields.ts'
import { printError, printJsonText } from '../output.ts'
import type { GotEntity } from '../print-entity.ts'
import { objectOf, printEntity } from '../print-entity.ts'
import { deleteEntity } from './entity-delete.ts'

/** Prints a trigger, one field of it, its summary, or what its feed knows of it. */
export async function getTrigger(cli: Cli, command: Command, typed: string, field: string | undefined): Promise<void> {
  const { summary, json } = optionsOf<{ readonly summary?: boolean }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'trigger')
  const got = await read(api, target, typed)
  const trigger = objectOf(got)
  if (summary === true) {
    const fullName = `/${textOf(trigger.namespace)}/${textOf(trigger.name)}`
    return cli.shell.out(entitySummary(cli, 'trigger', fullName, trigger))
  }
  const feedName = field === undefined ? feedOf(trigger) : undefined
  if (feedName === undefined) return printEntity(cli, got, field, json === true)
  const feed = parseEntityName(feedName, api.connection.namespace)
  const call = { feed, trigger: target, event: 'READ', parameters: {} } as const
  const activation = await callFeed(cli, api, call, `Unable to get trigger '${typed}'`)
  if (json === true) return printJsonText(cli.shell.out, activation.text)
  return printFeed(cli, feed, activation)
}

/** Tells the feed, then deletes the trigger, whatever the feed says. */
export async function deleteTrigger(cli: Cli, command: Command, typed: string): Promise<void> {
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'trigger')
  const feedName = feedOf(objectOf(await read(api, target, typed)))
  if (feedName !== undefined) await tellEnd(cli, command, api, target, feedName)
  await deleteEntity(cli, command, api, { kind: 'trigger', target, typed })
}

async function tellEnd(
  cli: Cli,
  command: Command,
  api: ApiClient,
  trigger: EntityName,
  feedName: string,
): Promise<void> {
  try {
    const feed = parseEntityName(feedName, api.connection.namespace)
    const call = { feed, trigger, event: 'DELETE', parameters: {} } as const
    const activation = await callFeed(cli, api, call, `Unable to delete the feed of trigger '${trigger.name}'`)
    if (optionsOf(command).json !== true) printFeed(cli, feed, activation)
  } catch (error) {
    // A feed that is gone or broken must not keep its triggers alive.
    printError(cli, messageOf(error))
  }
}

async function read(api: ApiClient, target: EntityName, typed: string): Promise<GotEntity> {
  const path = ['triggers', target.name]
  const answer = await attempt(`Unable to get trigger '${typed}'`, api, () =>
    api.call({ method: 'GET', namespace: target.namespace, path }),
  )
  return { kind: 'trigger', name: target.name, answer }
}
