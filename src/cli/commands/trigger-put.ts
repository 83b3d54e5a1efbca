/**
 * `stave trigger create` and `update`.
 *
 * `-p` means the trigger's parameters, or those of its feed where it has one. `-F` and `-T` name one of the two, so that a trigger with a feed can have
 * parameters of its own; both ways cannot be mixed.
 */

import type { Command } from 'commander'
import type { ApiAnswer, ApiClient } from '../api-client.ts'
import { ApiError, attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseEntityName, parseTopName, qualified } from '../entity-name.ts'
import { readFileFrom } from '../read-file.ts'
import { CliError, exitCodeOfStatus, generalError } from '../failure.ts'
import { callFeed, FEED, feedOf, printFeed } from '../feed.ts'
import { hasAny, toEntries, toObject } from '../key-values.ts'
import { bold, printJsonText, printOk } from '../output.ts'
import { objectOf } from '../print-entity.ts'

/** Creates a trigger, then its feed; where the feed refuses, the trigger is deleted again. */
export async function createTrigger(cli: Cli, command: Command, typed: string): Promise<void> {
  const { feed: feedName, json } = optionsOf<{ readonly feed?: string }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'trigger')
  const feed = feedName === undefined ? undefined : parseEntityName(feedName, api.connection.namespace)
  const given = givenOf(cli, feed !== undefined)
  if (feed === undefined && hasAny(cli.keyValues, 'feedParameter')) {
    throw notAllowed('Incorrect usage. Trigger without a feed cannot have feed parameters')
  }
  const what = `Unable to create trigger '${typed}'`
  const annotations = withFeed(given.annotations, feed === undefined ? undefined : qualified(feed))
  await attempt(what, api, async () => {
    const answer = await put(api, target, false, { ...given.trigger, ...annotations })
    if (feed !== undefined) {
      const call = { feed, trigger: target, event: 'CREATE', parameters: given.feed } as const
      const activation = await callFeed(cli, api, call, what).catch(async (error: unknown) => {
        await remove(api, target)
        throw error
      })
      if (json !== true) printFeed(cli, feed, activation)
    }
    if (json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `created trigger ${bold(cli, target.name)}`)
  })
}

/** Changes a trigger and tells its feed; creates it where there is none of that name. */
export async function updateTrigger(cli: Cli, command: Command, typed: string): Promise<void> {
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'trigger')
  const stored = await attempt(`Unable to get trigger '${typed}'`, api, () => find(api, target))
  if (stored === undefined) return createTrigger(cli, command, typed)

  const trigger = objectOf({ kind: 'trigger', name: typed, answer: stored })
  const feedName = feedOf(trigger)
  const given = givenOf(cli, feedName !== undefined)
  if (feedName === undefined && hasAny(cli.keyValues, 'feedParameter')) {
    throw generalError(`Unable to configure feed '${target.name}': this trigger does not contain a feed`)
  }
  const what = `Unable to update trigger '${typed}'`
  const annotations = given.annotations === undefined ? {} : withFeed(given.annotations, feedName)
  const body = { ...given.trigger, ...annotations }
  const json = optionsOf(command).json === true
  await attempt(what, api, async () => {
    // What is for the feed alone changes nothing of the trigger.
    const answer = feedName === undefined || Object.keys(body).length > 0 ? await put(api, target, true, body) : stored
    if (feedName !== undefined && given.concernsFeed) {
      const feed = parseEntityName(feedName, api.connection.namespace)
      const activation = await callFeed(
        cli,
        api,
        { feed, trigger: target, event: 'UPDATE', parameters: given.feed },
        what,
      )
      if (!json) printFeed(cli, feed, activation)
    }
    if (json) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `updated trigger ${bold(cli, target.name)}`)
  })
}

interface Given {
  /** `parameters` of the trigger; empty where none were given. */
  readonly trigger: { readonly parameters?: Entries }
  readonly annotations: Entries | undefined
  /** Parameters of the feed. */
  readonly feed: ReturnType<typeof toObject>
  /** False where only the trigger's own parameters were given, by `-T`. */
  readonly concernsFeed: boolean
}

type Entries = NonNullable<ReturnType<typeof toEntries>>

/** What the command line gives, shared out between the trigger and its feed. */
function givenOf({ keyValues, shell }: Cli, hasFeed: boolean): Given {
  const readFile = readFileFrom(shell.cwd)
  const annotations = toEntries(keyValues, 'annotation', readFile)
  const parameters = (target: 'parameter' | 'triggerParameter'): Given['trigger'] => {
    const entries = toEntries(keyValues, target, readFile)
    return entries === undefined ? {} : { parameters: entries }
  }
  const forFeed = hasAny(keyValues, 'feedParameter')
  if (forFeed || hasAny(keyValues, 'triggerParameter')) {
    if (hasAny(keyValues, 'parameter')) {
      throw notAllowed(
        'Incorrect usage. Cannot combine --feed-param or --trigger-param flag with neither --param nor --param-file flag',
      )
    }
    const feed = toObject(keyValues, 'feedParameter', readFile)
    return { trigger: parameters('triggerParameter'), annotations, feed, concernsFeed: forFeed }
  }
  if (!hasFeed) return { trigger: parameters('parameter'), annotations, feed: {}, concernsFeed: false }
  return { trigger: {}, annotations, feed: toObject(keyValues, 'parameter', readFile), concernsFeed: true }
}

/** `annotations` of a trigger's body. The feed's name is kept whatever is given: without it the feed could never be told of the trigger's end. */
function withFeed(annotations: Entries | undefined, feed: string | undefined): { readonly annotations?: Entries } {
  if (feed === undefined) return annotations === undefined ? {} : { annotations }
  return { annotations: [...(annotations ?? []).filter(({ key }) => key !== FEED), { key: FEED, value: feed }] }
}

/** The trigger, or undefined where there is none of that name. */
async function find(api: ApiClient, { namespace, name }: EntityName): Promise<ApiAnswer | undefined> {
  try {
    return await api.call({ method: 'GET', namespace, path: ['triggers', name] })
  } catch (error) {
    if (error instanceof ApiError && error.answer.status === 404) return undefined
    throw error
  }
}

function put(api: ApiClient, { namespace, name }: EntityName, overwrite: boolean, body: object): Promise<ApiAnswer> {
  return api.call({
    method: 'PUT',
    namespace,
    path: ['triggers', name],
    query: { overwrite },
    body: JSON.stringify({ name, ...body }),
  })
}

/** Takes back a trigger whose feed refused it. That this fails too is not what the user has to know of. */
async function remove(api: ApiClient, { namespace, name }: EntityName): Promise<void> {
  await api.call({ method: 'DELETE', namespace, path: ['triggers', name] }).catch(() => undefined)
}

/** `wsk` ends like this where options contradict each other. */
function notAllowed(message: string): CliError {
  return new CliError(exitCodeOfStatus(405), message)
}
