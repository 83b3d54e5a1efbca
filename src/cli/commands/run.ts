/** `stave run FILE`: one action, one invocation, no server: the platform is started for it in this process and removed afterwards. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, parse, resolve } from 'node:path'
import { Command } from 'commander'
import { isLegalName } from '../../model/names.ts'
import type { CodeOptions, ExecBody } from '../action-code.ts'
import { readExec } from '../action-code.ts'
import { stripLogLine } from '../activation-format.ts'
import type { ApiAnswer, ApiClient } from '../api-client.ts'
import { ApiError, createApiClient, describeFailure } from '../api-client.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { GUEST_KEY } from '../connection.ts'
import { exitCodeOfStatus, generalError, messageOf } from '../failure.ts'
import { logsOf, textOf } from '../fields.ts'
import { NetworkError } from '../http-client.ts'
import { isOutcome } from '../invocation.ts'
import { toObject } from '../key-values.ts'
import { wholeNumber } from '../numbers.ts'
import { printJsonText } from '../output.ts'
import { addConfigOptions, loadPlatformConfig } from '../platform-config.ts'
import { readFileFrom } from '../read-file.ts'
import { watchSignals } from '../signals.ts'

interface RunOptions extends CodeOptions {
  readonly memory?: number
  readonly timeout?: number
}

/** Longest wait for the answer: twice the longest time limit of an action (its init may take as long as its run) and what starting takes. */
const WAIT_MS = 660_000
/** Records are stored within milliseconds of the answer. */
const LOGS_DEADLINE_MS = 3000
const LOGS_INTERVAL_MS = 20
const EXIT_INTERRUPTED = 130

/** Keys that make a private server of one container; everything else follows the usual configuration. */
const SMALL: Readonly<Record<string, string>> = {
  host: '127.0.0.1',
  port: '0',
  'internal-listen': 'unix',
  'containers-stem-cells': '{}',
  'journal-synchronous': 'normal',
  'limits-blocking-wait-ms': String(WAIT_MS),
  'http-request-timeout-ms': String(WAIT_MS + 5000),
  'shutdown-grace-ms': '5000',
}

/** Builds the command. */
export function runCommand(cli: Cli): Command {
  const command = new Command('run')
    .description('run one action without a server and print its result; what it logs goes to standard error')
    .argument('<file>', 'source text, archive or directory')
    .option('-p, --param <key value>', 'parameter; the value is JSON or text (may be repeated)')
    .option('-P, --param-file <file>', 'JSON file with an object of parameters')
    .option('--kind <kind>', 'runtime, for example nodejs:24 (default: from the name of FILE)')
    .option('--main <name>', 'function to call (default: main)')
    .option('-m, --memory <mb>', 'memory limit in MB', wholeNumber)
    .option('-t, --timeout <ms>', 'time limit in ms', wholeNumber)
    .addHelpText('after', '\nThe options of `stave standalone` are taken too, for example --containers-sandbox none.')
    .action(handler(cli, (file: string, _: object, self: Command) => runFile(cli, self, file)))
  return addConfigOptions(command, true)
}

async function runFile(cli: Cli, command: Command, file: string): Promise<number> {
  const options = optionsOf<RunOptions>(command)
  const exec = await readExec(file, options, cli.shell.cwd, '_')
  const parameters = toObject(cli.keyValues, 'parameter', readFileFrom(cli.shell.cwd))
  const interruption = watchSignals(cli.shell)
  const directory = mkdtempSync(join(tmpdir(), 'stave-run-'))
  shareCache(cli, directory)
  try {
    const server = await startServer(cli, command, directory)
    try {
      const ended = new AbortController()
      void interruption.first.then(() => ended.abort())
      const api = createApiClient(connectionTo(server.url), options.verbose === true ? cli.shell.err : undefined)
      const name = nameFor(file)
      const limits = { memory: options.memory, timeout: options.timeout }
      const answer = await invokeOnce(api, name, { exec, limits }, JSON.stringify(parameters), ended.signal, file)
      await printLogs(cli, api, textOf(answer.headers['x-openwhisk-activation-id']))
      printJsonText(answer.status < 400 ? cli.shell.out : cli.shell.err, answer.text)
      return answer.status < 400 ? 0 : exitCodeOfStatus(answer.status)
    } finally {
      await server.stop('done')
    }
  } catch (error) {
    if (interruption.came) return EXIT_INTERRUPTED
    throw error
  } finally {
    rmSync(directory, { recursive: true, force: true })
    interruption.dispose()
  }
}

/** What was found out about interpreters holds for the next run too: looking for them again takes a second. */
function shareCache(cli: Cli, directory: string): void {
  if (cli.shell.cacheDir === undefined) return
  const shared = join(cli.shell.cacheDir, 'runtimes')
  mkdirSync(shared, { recursive: true, mode: 0o700 })
  symlinkSync(shared, join(directory, 'cache'))
}

async function startServer(
  cli: Cli,
  command: Command,
  directory: string,
): Promise<{ readonly url: string; stop(reason: string): Promise<void> }> {
  const verbose = optionsOf(command).verbose === true
  const overrides = { ...SMALL, 'data-dir': directory, 'log-level': verbose ? 'info' : 'error', 'log-format': 'json' }
  const loaded = await loadPlatformConfig(cli, command, overrides)
  const [{ createLogger }, { systemClock }, { startStandalone }, { INSTALLED_AT, VERSION }] = await Promise.all([
    import('../../telemetry/pino-logger.ts'),
    import('../../model/clock.ts'),
    import('../../main/standalone.ts'),
    import('../version.ts'),
  ])
  const { level, format } = loaded.config.log
  // Standard output is the action's result.
  const destination = { write: (line: string) => cli.shell.err(line) }
  const log = await createLogger({ level, format, terminal: false, clock: systemClock, destination })
  try {
    const path = cli.shell.env['PATH'] ?? ''
    return await startStandalone({ loaded, log, version: VERSION, installedAt: INSTALLED_AT, path })
  } catch (error) {
    throw generalError(`Actions cannot be run on this host: ${messageOf(error)}`, error)
  }
}

function connectionTo(url: string): ApiClient['connection'] {
  const guest = { auth: GUEST_KEY, authOrigin: 'the well-known key of guest' }
  return { apihost: url, apiVersion: 'v1', namespace: '_', insecure: false, ...guest }
}

/** Errors and `__OW_ACTION_NAME` name the action after its file. */
function nameFor(file: string): string {
  const { name } = parse(resolve(file))
  return isLegalName(name) ? name : 'action'
}

async function invokeOnce(
  api: ApiClient,
  name: string,
  action: { readonly exec: ExecBody | undefined; readonly limits: object },
  parameters: string,
  signal: AbortSignal,
  file: string,
): Promise<ApiAnswer> {
  const target = { namespace: '_', path: ['actions', name], signal }
  try {
    await api.call({ ...target, method: 'PUT', query: { overwrite: true }, body: JSON.stringify(action) })
    const query = { blocking: true, result: true }
    return await api.call({ ...target, method: 'POST', query, body: parameters, timeoutMs: WAIT_MS })
  } catch (error) {
    if (error instanceof ApiError && isOutcome(error.answer)) return error.answer
    if (error instanceof NetworkError && error.code === 'ABORTED') throw error
    throw describeFailure(`Unable to run '${file}'`, error, api.connection)
  }
}

/** What the action printed, each line without time and stream. The record is stored just after the answer. */
async function printLogs(cli: Cli, api: ApiClient, activationId: string): Promise<void> {
  if (activationId === '') return
  const deadline = cli.shell.now() + LOGS_DEADLINE_MS
  for (;;) {
    try {
      const { json } = await api.call({ method: 'GET', namespace: '_', path: ['activations', activationId, 'logs'] })
      return cli.shell.err(
        logsOf(json)
          .map((line) => `${stripLogLine(line)}\n`)
          .join(''),
      )
    } catch (error) {
      const missing = error instanceof ApiError && error.answer.status === 404
      if (!missing || cli.shell.now() > deadline) throw describeFailure('Unable to get its logs', error, api.connection)
    }
    await new Promise((continued) => {
      setTimeout(continued, LOGS_INTERVAL_MS)
    })
  }
}
