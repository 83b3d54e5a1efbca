/** A scripted API and the command line that talks to it: what the tests of commands begin with. */

import type { CliRun } from './run-cli.ts'
import { runCli } from './run-cli.ts'
import type { ScriptedApi } from './scripted-api.ts'
import { startScriptedApi } from './scripted-api.ts'

/** The transaction id of the scripted refusals. */
export const TID = 'aYtRr0Zk3mOe2fLw5c1b8XvQ7nUj4hDd'
/** An activation id. */
export const ID = '0f1a2b3c4d5e6f708192a3b4c5d6e7f8'
export const NOT_FOUND = { status: 404, body: { code: TID, error: 'The requested resource does not exist.' } }

export interface ApiSession {
  readonly api: ScriptedApi
  /** Runs `stave ARGS` as `u:k`. */
  cli(...args: string[]): Promise<CliRun>
  /** `METHOD /path` of every request so far, in their order. */
  calls(): readonly string[]
  /** The body of the latest request to that route. */
  sent(route: string): unknown
}

/** Starts one; `api.close()` ends it. */
export async function startApiSession(): Promise<ApiSession> {
  const api = await startScriptedApi()
  const calls = (): readonly string[] => api.requests.map(({ method, url }) => `${method} ${url}`)
  return {
    api,
    cli: (...args) => runCli(['--apihost', api.url, '--auth', 'u:k', ...args]),
    calls,
    sent(route) {
      const request = api.requests[calls().lastIndexOf(route)]
      if (request === undefined) throw new Error(`nothing was sent to ${route}, only to ${calls().join(', ')}`)
      return JSON.parse(request.body) as unknown
    },
  }
}
