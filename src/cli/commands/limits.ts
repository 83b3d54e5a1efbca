/** `stave limits …`: a namespace's own limits. Names, messages and exit codes are wskadmin's. */

import { Command } from 'commander'
import type { JsonValue } from '../../model/json.ts'
import { LIMIT_NAMES } from '../../model/limits-input.ts'
import { administer } from '../administration.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { usageError } from '../failure.ts'
import { jsonOrText } from '../key-values.ts'
import { printJson } from '../output.ts'

/** Builds the group. */
export function limitsCommand(cli: Cli): Command {
  const group = new Command('limits').description("administer namespaces' own limits, whether a server runs or not")
  group
    .command('get <namespace>')
    .description("print the namespace's own limits")
    .action(handler(cli, (namespace: string, _: object, command: Command) => getLimits(cli, command, namespace)))
  const set = group
    .command('set <namespace>')
    .description('set limits; those not named stay as they are, null removes one')
    .action(handler(cli, (namespace: string, _: object, command: Command) => setLimits(cli, command, namespace)))
  for (const name of LIMIT_NAMES) {
    set.option(`--${name} ${name === 'allowedKinds' ? '<kinds...>' : '<value>'}`, UNITS[name] ?? '')
  }
  group
    .command('delete <namespace>')
    .description("delete the namespace's own limits: the system's apply then")
    .action(handler(cli, (namespace: string, _: object, command: Command) => deleteLimits(cli, command, namespace)))
  return group
}

const UNITS: Readonly<Record<string, string>> = {
  invocationsPerMinute: 'invocations a minute',
  concurrentInvocations: 'invocations under way at once',
  firesPerMinute: 'trigger fires a minute',
  allowedKinds: 'kinds that its actions may have',
  storeActivations: 'true or false: whether records are kept',
  minActionMemory: 'MB',
  maxActionMemory: 'MB',
  minActionLogs: 'MB',
  maxActionLogs: 'MB',
  minActionTimeout: 'ms',
  maxActionTimeout: 'ms',
  minActionConcurrency: 'runs in one container',
  maxActionConcurrency: 'runs in one container',
  maxParameterSize: 'size with unit, for example "1 MB"',
  maxPayloadSize: 'size with unit',
  truncationSize: 'size with unit',
  maxActionInstances: 'containers of one action',
  warmedContainerKeepingCount: 'containers kept warm',
  warmedContainerKeepingTimeout: 'duration, for example "24 hours"',
}

function getLimits(cli: Cli, command: Command, namespace: string): Promise<number | void> {
  return administer(cli, command, async ({ users }) => {
    const limits = Object.entries(await users.getLimits(namespace))
    if (optionsOf(command).json === true) return printJson(cli, Object.fromEntries(limits))
    if (limits.length === 0) return cli.shell.out('No limits found, default system limits apply\n')
    return cli.shell.out(
      limits.map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(', ') : String(value)}\n`).join(''),
    )
  })
}

function setLimits(cli: Cli, command: Command, namespace: string): Promise<number | void> {
  const given = optionsOf<Readonly<Record<string, string | readonly string[] | undefined>>>(command)
  const change = Object.fromEntries(
    LIMIT_NAMES.flatMap((name): readonly (readonly [string, JsonValue])[] => {
      const value = given[name]
      if (value === undefined) return []
      return [[name, typeof value === 'string' ? jsonOrText(value) : kindsOf(value)]]
    }),
  )
  if (Object.keys(change).length === 0)
    throw usageError('Name at least one limit, for example --invocationsPerMinute 100.')
  return administer(cli, command, async ({ users }) => {
    const limits = await users.setLimits(namespace, change)
    if (optionsOf(command).json === true) printJson(cli, limits)
    else cli.shell.out(`Limits successfully set for "${namespace}"\n`)
  })
}

function kindsOf(words: readonly string[]): JsonValue {
  return words.length === 1 && words[0] === 'null' ? null : words
}

function deleteLimits(cli: Cli, command: Command, namespace: string): Promise<number | void> {
  return administer(cli, command, async ({ users }) => {
    await users.deleteLimits(namespace)
    if (optionsOf(command).json === true) printJson(cli, { deleted: true })
    else cli.shell.out('Limits deleted\n')
  })
}
