/**
 * The protocol between a trigger and its feed, which is the client's business alone: the server keeps the name of the feed action in an annotation, and
 * whoever creates, reads, updates or deletes the trigger calls that action.
 */

import type { JsonObject, JsonValue } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'
import type { ApiAnswer, ApiClient } from './api-client.ts'
import { describeFailure } from './api-client.ts'
import type { Cli } from './cli.ts'
import type { EntityName } from './entity-name.ts'
import { qualified } from './entity-name.ts'
import { CliError, exitCodeOfStatus } from './failure.ts'
import { annotationOf } from './fields.ts'
import { activationIdOf, postInvocation, printInvocation } from './invocation.ts'

/** The annotation that names a trigger's feed. */
export const FEED = 'feed'

export type LifecycleEvent = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE'

export interface FeedCall {
  readonly feed: EntityName
  readonly trigger: EntityName
  readonly event: LifecycleEvent
  readonly parameters: Readonly<Record<string, JsonValue>>
}

/** The name of a trigger's feed as its annotation has it; undefined where it has none. */
export function feedOf(trigger: JsonObject): string | undefined {
  const feed = annotationOf(trigger, FEED)
  return typeof feed === 'string' && feed !== '' ? feed : undefined
}

/**
 * Calls the feed, waits for it and resolves with its activation. Rejects with a `CliError` whose message begins with `what` where the feed fails or has not
 * finished in time; what a failed feed answered is printed first.
 */
export async function callFeed(cli: Cli, api: ApiClient, call: FeedCall, what: string): Promise<ApiAnswer> {
  const { feed, trigger, event } = call
  const failure = `${what}: Unable to configure feed '${qualified(feed)}'`
  const parameters = {
    ...call.parameters,
    lifecycleEvent: event,
    triggerName: qualified(trigger),
    authKey: api.connection.auth,
  }
  const waiting = { blocking: true, result: false }
  const answer = await postInvocation(api, feed, parameters, waiting).catch((error: unknown) => {
    throw describeFailure(failure, error, api.connection)
  })
  if (answer.status === 200) return answer
  if (answer.status === 202) {
    throw new CliError(202, `${failure}: it has not finished in time (activation ${activationIdOf(answer)}).`)
  }
  printInvocation(cli, feed, answer, waiting)
  const why = `The following application error was received: ${applicationError(answer)}`
  throw new CliError(exitCodeOfStatus(answer.status), `${failure}: ${why}`)
}

/** Prints a feed's activation as `action invoke --blocking` does. */
export function printFeed(cli: Cli, feed: EntityName, answer: ApiAnswer): void {
  printInvocation(cli, feed, answer, { blocking: true, result: false })
}

/** The error in a failed activation: text as it is, anything else as JSON. */
function applicationError({ json }: ApiAnswer): string {
  const response = isJsonObject(json) && isJsonObject(json.response) ? json.response : {}
  const result = response.result
  const error = isJsonObject(result) ? result.error : result
  return typeof error === 'string' ? error : JSON.stringify(error ?? null)
}
