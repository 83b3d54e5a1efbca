/** `stave rule enable`, `disable`, `status` and `get`. */

import type { Command } from 'commander'
import type { ApiAnswer, ApiClient } from '../api-client.ts'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import type { EntityName } from '../entity-name.ts'
import { parseTopName } from '../entity-name.ts'
import { textOf } from '../fields.ts'
import { bold, printJson, printOk } from '../output.ts'
import { objectOf, printEntity } from '../print-entity.ts'

/** Enables or disables a rule. */
export async function switchRule(cli: Cli, command: Command, verb: 'enable' | 'disable', typed: string): Promise<void> {
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'rule')
  const status = verb === 'enable' ? 'active' : 'inactive'
  await attempt(`Unable to ${verb} rule '${typed}'`, api, () => setStatus(api, target, status))
  if (optionsOf(command).json === true) printJson(cli, { name: target.name, status })
  else printOk(cli, `${verb}d rule ${bold(cli, target.name)}`)
}

/** Sends the state; to set the one that the rule is in already is no failure. */
export function setStatus(api: ApiClient, target: EntityName, status: 'active' | 'inactive'): Promise<ApiAnswer> {
  return api.call({
    method: 'POST',
    namespace: target.namespace,
    path: ['rules', target.name],
    body: JSON.stringify({ status }),
  })
}

/** Prints whether a rule is active. */
export async function printStatus(cli: Cli, command: Command, typed: string): Promise<void> {
  const { name, answer } = await readRule(cli, command, typed, `Unable to get status of rule '${typed}'`)
  const status = textOf(objectOf({ kind: 'rule', name, answer }).status)
  if (optionsOf(command).json === true) printJson(cli, { name, status })
  else printOk(cli, `rule ${bold(cli, name)} is ${bold(cli, status)}`)
}

/** Prints a rule, one field of it, or its summary. */
export async function getRule(cli: Cli, command: Command, typed: string, field: string | undefined): Promise<void> {
  const { summary, json } = optionsOf<{ readonly summary?: boolean }>(command)
  const { name, answer } = await readRule(cli, command, typed, `Unable to get rule '${typed}'`)
  const got = { kind: 'rule', name, answer } as const
  if (summary !== true) return printEntity(cli, got, field, json === true)
  const rule = objectOf(got)
  const fullName = `/${textOf(rule.namespace)}/${textOf(rule.name)}`
  return cli.shell.out(`${bold(cli, 'rule')} ${fullName}\n   (${bold(cli, 'status')}: ${textOf(rule.status)})\n`)
}

async function readRule(
  cli: Cli,
  command: Command,
  typed: string,
  what: string,
): Promise<{ readonly name: string; readonly answer: ApiAnswer }> {
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'rule')
  const path = ['rules', target.name]
  const answer = await attempt(what, api, () => api.call({ method: 'GET', namespace: target.namespace, path }))
  return { name: target.name, answer }
}
