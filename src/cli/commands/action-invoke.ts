/** `stave action invoke`. */

import type { Command } from 'commander'
import { attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseEntityName } from '../entity-name.ts'
import { exitCodeOfStatus } from '../failure.ts'
import { postInvocation, printInvocation } from '../invocation.ts'
import { toObject } from '../key-values.ts'
import { printJsonText } from '../output.ts'
import { readFileFrom } from '../read-file.ts'

interface InvokeOptions {
  readonly blocking?: boolean
  readonly result?: boolean
}

/** Invokes an action and prints what came of it; returns the exit code. */
export async function invokeAction(cli: Cli, command: Command, entity: string): Promise<number> {
  const options = optionsOf<InvokeOptions>(command)
  const api = openApi(cli, command)
  const target = parseEntityName(entity, api.connection.namespace)
  const result = options.result === true
  const waiting = { blocking: result || options.blocking === true, result }
  const parameters = toObject(cli.keyValues, 'parameter', readFileFrom(cli.shell.cwd))
  return attempt(`Unable to invoke action '${entity}'`, api, async () => {
    const answer = await postInvocation(api, target, parameters, waiting)
    if (options.json === true) printJsonText(cli.shell.out, answer.text)
    else printInvocation(cli, target, answer, waiting)
    if (waiting.blocking && answer.status === 202) return exitCodeOfStatus(202)
    return answer.status < 400 ? 0 : exitCodeOfStatus(answer.status)
  })
}
