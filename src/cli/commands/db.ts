/**
 * `stave db get`: what `wskadmin db get` prints of OpenWhisk's databases, in the form of a CouchDB view. Two of the three: activations are no matter of a dump
 * (millions of records), `stave activation list` reads them page by page. What entities hold, code and parameters, is not shown to operators either.
 */

import { Argument, Command } from 'commander'
import { limitsDocumentOf, subjectDocument } from '../../management/subject-documents.ts'
import type { Administration } from '../administration.ts'
import { administer } from '../administration.ts'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import { printJson } from '../output.ts'

const DATABASES = ['subjects', 'whisks'] as const
/** Entities asked for at once. */
const PAGE = 1000

interface Row {
  readonly id: string
  readonly key: string
  readonly value: object
  readonly doc?: object
}

/** Builds the group. */
export function dbCommand(cli: Cli): Command {
  const group = new Command('db').description('dump what the platform keeps, whether a server runs or not')
  group
    .command('get')
    .addArgument(new Argument('<database>', 'subjects (users and limits) or whisks (entities)').choices(DATABASES))
    .description('print the contents of a database as JSON: subjects (users and limits) or whisks (entities)')
    .option('--docs', 'with the documents: of subjects alone, and with their keys')
    .action(
      handler(cli, (database: (typeof DATABASES)[number], _: object, command: Command) => dump(cli, command, database)),
    )
  return group
}

function dump(cli: Cli, command: Command, database: (typeof DATABASES)[number]): Promise<number | void> {
  const { docs } = optionsOf<{ readonly docs?: boolean }>(command)
  return administer(cli, command, async (administration) => {
    const rows =
      database === 'subjects' ? await subjectRows(administration, docs === true) : await entityRows(administration)
    printJson(cli, { total_rows: rows.length, offset: 0, rows })
  })
}

async function subjectRows({ users }: Administration, docs: boolean): Promise<readonly Row[]> {
  const subjects = await users.listSubjects()
  const limits = await users.listLimits()
  return [
    ...subjects.map((subject) => rowOf(subject.subject, {}, docs ? subjectDocument(subject, true) : undefined)),
    ...limits.map(({ namespace, limits: own }) =>
      rowOf(`${namespace}/limits`, {}, docs ? limitsDocumentOf(namespace, own) : undefined),
    ),
  ]
}

async function entityRows({ namespaces }: Administration): Promise<readonly Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page = await namespaces.listEntities(undefined, after, PAGE)
    for (const { path, ...value } of page.entities) rows.push(rowOf(path, value, undefined))
    after = page.next
  } while (after !== undefined)
  return rows
}

function rowOf(id: string, value: object, doc: object | undefined): Row {
  return { id, key: id, value, ...(doc !== undefined && { doc }) }
}
