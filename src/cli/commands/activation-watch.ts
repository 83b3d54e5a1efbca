/** `stave activation poll` and `stave activation logs --follow`. */

import type { Command } from 'commander'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { printable, stripLogLine } from '../activation-format.ts'
import type { ApiClient, Query } from '../api-client.ts'
import { describeFailure, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseEntityName } from '../entity-name.ts'
import { logsOf, textOf } from '../fields.ts'
import { NetworkError } from '../http-client.ts'
import { printJson } from '../output.ts'
import { createActivationWatch } from '../watch-activations.ts'

const POLL_INTERVAL_MS = 2000
const FOLLOW_INTERVAL_MS = 1000

interface PollOptions {
  readonly exit: number
  readonly sinceSeconds: number
  readonly sinceMinutes: number
  readonly sinceHours: number
  readonly sinceDays: number
}

/** Prints each new activation with its logs, as `wsk activation poll` does, until interrupted or for --exit seconds. */
export async function pollActivations(cli: Cli, command: Command, filter: string | undefined): Promise<void> {
  const options = optionsOf<PollOptions>(command)
  const backSeconds =
    options.sinceSeconds + 60 * options.sinceMinutes + 3600 * options.sinceHours + 86_400 * options.sinceDays
  const api = openApi(cli, command)
  if (options.json !== true) cli.shell.out('Enter Ctrl-c to exit.\nPolling for activation logs\n')
  await watch(cli, api, filter, {
    sinceMs: cli.shell.now() - backSeconds * 1000,
    intervalMs: POLL_INTERVAL_MS,
    ...(options.exit > 0 && { forMs: options.exit * 1000 }),
    report(item, logs) {
      if (options.json === true) return cli.shell.out(`${JSON.stringify({ ...item, logs })}\n`)
      cli.shell.out(`\nActivation: '${textOf(item.name)}' (${textOf(item.activationId)})\n`)
      return printJson(cli, logs)
    },
  })
}

/** Prints new log lines as activations end, until interrupted; lines of several actions begin with the action's name. */
export async function followLogs(cli: Cli, command: Command, filter: string | undefined): Promise<void> {
  const options = optionsOf<{ readonly strip?: boolean }>(command)
  const api = openApi(cli, command)
  await watch(cli, api, filter, {
    sinceMs: cli.shell.now(),
    intervalMs: FOLLOW_INTERVAL_MS,
    report(item, logs) {
      for (const line of logs) {
        if (options.json === true) {
          cli.shell.out(`${JSON.stringify({ name: item.name, activationId: item.activationId, line })}\n`)
          continue
        }
        const text = options.strip === true ? stripLogLine(line) : line
        const prefix = filter === undefined ? `${textOf(item.name)} ` : ''
        cli.shell.out(`${prefix}${cli.shell.isTerminal ? printable(text) : text}\n`)
      }
    },
  })
}

interface Watch {
  readonly sinceMs: number
  readonly intervalMs: number
  /** Stop after this long; absent: only when interrupted. */
  readonly forMs?: number
  readonly report: (item: JsonObject, logs: readonly string[]) => void
}

async function watch(cli: Cli, api: ApiClient, filter: string | undefined, options: Watch): Promise<void> {
  const target = filter === undefined ? undefined : parseEntityName(filter, api.connection.namespace)
  const namespace = target?.namespace ?? api.connection.namespace
  const ended = new AbortController()
  const stop = (): void => ended.abort()
  const unsubscribe = [cli.shell.onSignal('SIGINT', stop), cli.shell.onSignal('SIGTERM', stop)]
  const timer = options.forMs === undefined ? undefined : setTimeout(stop, options.forMs)
  const get = async (path: readonly string[], query: Query = {}): Promise<JsonValue | undefined> =>
    (await api.call({ method: 'GET', namespace, path, query, signal: ended.signal })).json
  const list = (query: Query): Promise<JsonValue | undefined> => get(['activations'], { ...query, name: target?.name })
  try {
    const { next } = createActivationWatch({ list, now: cli.shell.now }, options.sinceMs)
    while (!ended.signal.aborted) {
      for (const item of await next()) {
        options.report(item, logsOf(await get(['activations', textOf(item.activationId), 'logs'])))
      }
      await pause(options.intervalMs, ended.signal)
    }
  } catch (error) {
    if (!(error instanceof NetworkError && error.code === 'ABORTED')) {
      throw describeFailure('Unable to poll for activations', error, api.connection)
    }
  } finally {
    clearTimeout(timer)
    for (const off of unsubscribe) off()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
