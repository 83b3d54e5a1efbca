/** `stave trigger fire`. */

import type { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseTopName } from '../entity-name.ts'
import { readFileFrom } from '../read-file.ts'
import { activationIdOf } from '../invocation.ts'
import { toObject } from '../key-values.ts'
import { bold, printJson, printJsonText, printOk } from '../output.ts'

/** Fires a trigger and prints the id of its activation; a trigger without an active rule has none. */
export async function fireTrigger(cli: Cli, command: Command, typed: string): Promise<void> {
  const api = openApi(cli, command)
  const target = parseTopName(typed, api.connection.namespace, 'trigger')
  const body = JSON.stringify(toObject(cli.keyValues, 'parameter', readFileFrom(cli.shell.cwd)))
  const json = optionsOf(command).json === true
  const name = `/${bold(cli, target.namespace)}/${bold(cli, target.name)}`
  await attempt(`Unable to fire trigger '${typed}'`, api, async () => {
    const path = ['triggers', target.name]
    const answer = await api.call({ method: 'POST', namespace: target.namespace, path, body })
    if (answer.status === 204) {
      if (json) return printJson(cli, null)
      return cli.shell.out(`trigger ${name} did not fire as it is not associated with an active rule\n`)
    }
    if (json) return printJsonText(cli.shell.out, answer.text)
    return printOk(cli, `triggered ${name} with id ${bold(cli, activationIdOf(answer))}`)
  })
}
