/** `stave package refresh`: a request of old clients, which servers of today answer as one that they do not know. */

import type { Command } from 'commander'
import { ApiError, attempt, openApi } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { optionsOf } from '../cli.ts'
import { parseNamespaceScope } from '../entity-name.ts'
import { CliError, exitCodeOfStatus } from '../failure.ts'
import { textOf } from '../fields.ts'
import { printJsonText } from '../output.ts'
import { isJsonObject } from '../../model/json.ts'

const UNKNOWN_ROUTE: ReadonlySet<number> = new Set([404, 405, 501])

/** Asks for it and prints what was changed. */
export async function refreshPackages(cli: Cli, command: Command, argument: string | undefined): Promise<void> {
  const api = openApi(cli, command)
  const namespace = parseNamespaceScope(argument, api.connection.namespace)
  await attempt(`Package refresh for namespace '${namespace}' failed`, api, async () => {
    const answer = await api
      .call({ method: 'POST', namespace, path: ['packages', 'refresh'] })
      .catch((error: unknown) => {
        const status = error instanceof ApiError ? error.answer.status : 0
        if (!UNKNOWN_ROUTE.has(status)) throw error
        const message = 'The package refresh feature is not implemented in the target deployment'
        throw new CliError(exitCodeOfStatus(status), message, { cause: error })
      })
    if (optionsOf(command).json === true) return printJsonText(cli.shell.out, answer.text)
    const changes = isJsonObject(answer.json) ? answer.json : {}
    const lines = (['added', 'updated', 'deleted'] as const).map((change) => {
      const bindings: unknown = changes[change]
      const names = Array.isArray(bindings) ? bindings.map((name: unknown) => `${textOf(name)}\n`) : []
      return `${change === 'added' ? 'created' : change} bindings:\n${names.join('')}`
    })
    return cli.shell.out(`'${namespace}' refreshed successfully\n${lines.join('')}`)
  })
}
