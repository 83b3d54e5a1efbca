/** `stave rule create`, `update` and `delete`. */

import type { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseEntityName, parseTopName, qualified } from '../entity-name.ts'
import { bold, printJsonText, printOk } from '../output.ts'
import { deleteEntity } from './entity-delete.ts'
import { setStatus } from './rule-state.ts'

/** Names as they were typed. */
export interface RuleNames {
  readonly name: string
  readonly trigger: string
  readonly action: string
}

/** Creates or updates a rule. */
export async function putRule(
  cli: Cli,
  command: Command,
  verb: 'create' | 'update',
  { name, trigger, action }: RuleNames,
): Promise<void> {
  const api = openApi(cli, command)
  const own = api.connection.namespace
  const target = parseTopName(name, own, 'rule')
  const body = {
    name: target.name,
    trigger: qualified(parseTopName(trigger, own, 'trigger')),
    action: qualified(parseEntityName(action, own)),
  }
  await attempt(`Unable to ${verb} rule '${name}'`, api, async () => {
    const answer = await api.call({
      method: 'PUT',
      namespace: target.namespace,
      path: ['rules', target.name],
      query: { overwrite: verb === 'update' },
      body: JSON.stringify(body),
    })
    if (optionsOf(command).json === true) printJsonText(cli.shell.out, answer.text)
    else printOk(cli, `${verb}d rule ${bold(cli, target.name)}`)
  })
}

/** Deletes a rule, after disabling it where that was asked for. */
export async function deleteRule(cli: Cli, command: Command, typed: string): Promise<void> {
  const { disable } = optionsOf<{ readonly disable?: boolean }>(command)
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'rule')
  if (disable === true) {
    await attempt(`Unable to disable rule '${typed}'`, api, () => setStatus(api, target, 'inactive'))
  }
  await deleteEntity(cli, command, api, { kind: 'rule', target, typed })
}
