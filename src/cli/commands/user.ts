/** `stave user …`: what operators do with users and keys. Messages and exit codes are wskadmin's. */

import { Command } from 'commander'
import { administer, asCliError } from '../administration.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { wholeNumber } from '../numbers.ts'
import { formatTable, printError, printJson } from '../output.ts'
import { Refusal } from '../../model/errors.ts'
import { apiKey } from '../../model/identity.ts'

interface NamespaceOption {
  readonly namespace?: string
}

interface CreateOptions extends NamespaceOption {
  readonly revoke?: boolean
  readonly genonly?: boolean
  readonly silent?: boolean
}

interface ListOptions {
  readonly pick: number
  readonly key?: boolean
  readonly all?: boolean
}

const NAMESPACE = '-n, --namespace <name>'

/** Builds the group. */
export function userCommand(cli: Cli): Command {
  const group = new Command('user').description('administer users and their keys, whether a server runs or not')
  group
    .command('create <subject>')
    .description('create a user, or give one another namespace; prints uuid:key (-u gives the key to use)')
    .option(NAMESPACE, 'namespace (default: the name of the user)')
    .option('-r, --revoke', 'replace the key of a namespace that the user has already')
    .option('-g, --genonly', 'only make a key up and print it')
    .option('-s, --silent', 'do not print the key')
    .action(handler(cli, (subject: string, _: object, command: Command) => createUser(cli, command, subject)))
  group
    .command('get <subject>')
    .description('print the key of a user')
    .option(NAMESPACE, 'namespace (default: the name of the user)')
    .option('-a, --all', 'print the keys of all its namespaces')
    .action(handler(cli, (subject: string, _: object, command: Command) => getUser(cli, command, subject)))
  group
    .command('list [namespace]')
    .description('list the keys of NAMESPACE, or all users')
    .option('-p, --pick <n>', 'print N keys', wholeNumber, 1)
    .option('-k, --key', 'print only the keys')
    .option('-a, --all', 'print all keys of the namespace')
    .action(
      handler(cli, (namespace: string | undefined, _: object, command: Command) => listUsers(cli, command, namespace)),
    )
  group
    .command('whois <uuid:key>')
    .description('print whose key this is')
    .action(handler(cli, (key: string, _: object, command: Command) => whoIs(cli, command, key)))
  group
    .command('rotate <subject>')
    .description('give a user a new key; the old one stops working at once')
    .option(NAMESPACE, 'namespace (default: the name of the user)')
    .option('--keep-uuid', 'replace only the secret')
    .action(handler(cli, (subject: string, _: object, command: Command) => rotateKey(cli, command, subject)))
  group
    .command('delete <subject>')
    .description('delete a user, or one namespace of it; what the namespace holds stays')
    .option(NAMESPACE, 'delete only this namespace')
    .action(handler(cli, (subject: string, _: object, command: Command) => deleteUser(cli, command, subject)))
  for (const verb of ['block', 'unblock'] as const) {
    group
      .command(`${verb} <subjects...>`)
      .description(verb === 'block' ? 'keep users out without deleting them' : 'let blocked users in again')
      .action(
        handler(cli, (subjects: readonly string[], _: object, command: Command) =>
          setBlocked(cli, command, subjects, verb),
        ),
      )
  }
  return group
}

function createUser(cli: Cli, command: Command, subject: string): Promise<number | void> {
  const { namespace, auth, revoke, genonly, silent, json } = optionsOf<CreateOptions>(command)
  if (genonly === true) return generateKey(cli, auth, json === true)
  return administer(cli, command, async ({ users }) => {
    const key = await users.createUser({ subject, namespace, authorization: auth, regenerate: revoke })
    if (silent !== true) printKey(cli, subject, key, json === true)
  })
}

async function generateKey(cli: Cli, given: string | undefined, json: boolean): Promise<void> {
  const { randomCredentials } = await import('../../management/credentials.ts')
  const credentials = randomCredentials()
  const key = given ?? apiKey({ uuid: credentials.uuid(), key: credentials.secret() })
  if (json) printJson(cli, { authorization: key })
  else cli.shell.out(`${key}\n`)
}

function getUser(cli: Cli, command: Command, subject: string): Promise<number | void> {
  const { namespace, all, json } = optionsOf<NamespaceOption & { readonly all?: boolean }>(command)
  return administer(cli, command, async ({ users }) => {
    if (all !== true) return printKey(cli, subject, await users.getKey(subject, namespace), json === true)
    const user = await users.getUser(subject)
    if (json === true) return printJson(cli, user)
    return cli.shell.out(user.namespaces.map((key) => `${key.name}\t${apiKey(key)}\n`).join(''))
  })
}

function listUsers(cli: Cli, command: Command, namespace: string | undefined): Promise<number | void> {
  const options = optionsOf<ListOptions>(command)
  return administer(cli, command, async ({ users }) => {
    const keys = await users.listKeys(namespace)
    if (options.json === true) {
      return printJson(
        cli,
        keys.map(({ name, ...entry }) => ({ ...entry, namespace: name })),
      )
    }
    if (namespace === undefined) {
      const rows = keys.map(({ subject, name, uuid, blocked }) => [subject, name, uuid, blocked ? 'blocked' : 'active'])
      return cli.shell.out(formatTable(cli, ['USER', 'NAMESPACE', 'UUID', 'STATE'], rows))
    }
    if (keys.length === 0) return cli.shell.out(`no identities found for namespace "${namespace}"\n`)
    const picked = options.all === true ? keys : keys.slice(0, options.pick)
    const line = (key: (typeof keys)[number]): string =>
      options.key === true ? apiKey(key) : `${apiKey(key)}\t${key.subject}`
    return cli.shell.out(picked.map((key) => `${line(key)}\n`).join(''))
  })
}

function whoIs(cli: Cli, command: Command, authorization: string): Promise<number | void> {
  return administer(cli, command, async ({ users }) => {
    try {
      const { subject, namespace } = await users.whoIs(authorization)
      if (optionsOf(command).json === true) printJson(cli, { subject, namespace })
      else cli.shell.out(`subject: ${subject}\nnamespace: ${namespace}\n`)
    } catch (error) {
      // No failure of the command: wskadmin answers the question with 0.
      if (!(error instanceof Refusal && error.status === 404)) throw error
      cli.shell.out(optionsOf(command).json === true ? 'null\n' : `${error.message}\n`)
    }
  })
}

function rotateKey(cli: Cli, command: Command, subject: string): Promise<number | void> {
  const { namespace, keepUuid, json } = optionsOf<NamespaceOption & { readonly keepUuid?: boolean }>(command)
  return administer(cli, command, async ({ users }) => {
    printKey(cli, subject, await users.rotateKey(subject, namespace, { keepUuid }), json === true)
  })
}

function deleteUser(cli: Cli, command: Command, subject: string): Promise<number | void> {
  const { namespace, json } = optionsOf<NamespaceOption>(command)
  return administer(cli, command, async ({ users }) => {
    await users.deleteUser(subject, namespace)
    if (json === true) printJson(cli, { deleted: true })
    else cli.shell.out(namespace === undefined ? 'Subject deleted\n' : 'Namespace deleted\n')
  })
}

/** One message a user; the exit code is the number of failures. */
function setBlocked(
  cli: Cli,
  command: Command,
  subjects: readonly string[],
  verb: 'block' | 'unblock',
): Promise<number | void> {
  return administer(cli, command, async ({ users }) => {
    let failures = 0
    const results: object[] = []
    for (const subject of subjects) {
      try {
        await users.setBlocked(subject, verb === 'block')
        results.push({ subject, blocked: verb === 'block' })
        if (optionsOf(command).json !== true) cli.shell.out(`"${subject}" ${verb}ed successfully\n`)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        failures += 1
        results.push({ subject, error: error.message })
        printError(cli, `"${subject}": ${asCliError(error).message}`)
      }
    }
    if (optionsOf(command).json === true) printJson(cli, results)
    // A byte: 256 failures must not look like none.
    return Math.min(failures, 255)
  })
}

function printKey(
  cli: Cli,
  subject: string,
  key: { readonly name: string; readonly uuid: string; readonly key: string },
  json: boolean,
): void {
  if (json) printJson(cli, { subject, namespace: key.name, uuid: key.uuid, key: key.key })
  else cli.shell.out(`${apiKey(key)}\n`)
}
