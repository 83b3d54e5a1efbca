/**
 * An activation record as one line of text: the form in which it waits for the store, in memory and in files, and in which it gets there. It is rendered once;
 * a string outlives collections of the young generation more cheaply than the objects it was made of, and crosses to the store's thread as one copy.
 * A line is a JSON array of the row's columns, the document last and as it is, not as a string, which would have to be escaped.
 */

import type { ActivationRecord, StatusCode } from '../model/activation.ts'
import { renderRecord } from '../model/activation.ts'
import type { ActivationId } from '../model/ids.ts'
import { isJsonObject } from '../model/json.ts'
import type { NamespaceName } from '../model/names.ts'
import type { ActivationRow } from './activation-store.ts'

const ID_LENGTH = 32
/** `["` */
const ID_AT = 2
/** `","` */
const SEPARATOR_LENGTH = 3

/** The record's line. */
export function lineOfRecord(record: ActivationRecord): string {
  const { outcome, activationId, namespace, filter, start } = record
  const document = renderRecord(record)
  return line(activationId, namespace, filter, start, outcome.statusCode, inOneLine(document, outcome.resultJson))
}

/** The row's line. */
export function lineOf({ activationId, namespace, filter, start, statusCode, document }: ActivationRow): string {
  return line(activationId, namespace, filter, start, statusCode, inOneLine(document, document))
}

/** No name holds a quote, a comma or a newline (model/names.ts). */
function line(id: string, namespace: string, filter: string, start: number, status: number, document: string): string {
  return `["${id}","${namespace}","${filter}",${start},${status},${document}]\n`
}

/** Between the parts of a JSON text a newline is white space, and within its strings there is none. `where`: the only part that may have one. */
function inOneLine(document: string, where: string): string {
  return where.includes('\n') ? document.replaceAll('\n', ' ') : document
}

/** The rows of lines that were made here. Throws `TypeError` where they were not. */
export function rowsOf(lines: string): ActivationRow[] {
  const rows: ActivationRow[] = []
  for (let from = 0; from < lines.length;) {
    const end = lines.indexOf('\n', from)
    if (end < 0) throw new TypeError('a line of activation records has no end')
    rows.push(rowAt(lines, from, end))
    from = end + 1
  }
  return rows
}

function rowAt(lines: string, from: number, end: number): ActivationRow {
  const idEnd = from + ID_AT + ID_LENGTH
  const namespaceEnd = lines.indexOf('"', idEnd + SEPARATOR_LENGTH)
  const filterEnd = lines.indexOf('"', namespaceEnd + SEPARATOR_LENGTH)
  const startEnd = lines.indexOf(',', filterEnd + 2)
  const statusEnd = lines.indexOf(',', startEnd + 1)
  const statusCode = Number(lines.slice(startEnd + 1, statusEnd))
  if (namespaceEnd < 0 || filterEnd < 0 || startEnd < 0 || statusEnd > end || !isStatusCode(statusCode)) {
    throw new TypeError('malformed line of an activation record')
  }
  return {
    activationId: lines.slice(from + ID_AT, idEnd) as ActivationId,
    namespace: lines.slice(idEnd + SEPARATOR_LENGTH, namespaceEnd) as NamespaceName,
    filter: lines.slice(namespaceEnd + SEPARATOR_LENGTH, filterEnd),
    start: Number(lines.slice(filterEnd + 2, startEnd)),
    statusCode,
    document: lines.slice(statusEnd + 1, end - 1),
  }
}

/** The row of one line, without its newline, that a process wrote which may have been killed meanwhile; undefined when the line is torn. */
export function parseLine(line: string): ActivationRow | undefined {
  let values: unknown
  try {
    values = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!Array.isArray(values) || values.length !== 6) return undefined
  const [activationId, namespace, filter, start, statusCode, document] = values as readonly unknown[]
  if (typeof activationId !== 'string' || typeof namespace !== 'string' || typeof filter !== 'string') return undefined
  if (typeof start !== 'number' || !isStatusCode(statusCode) || !isJsonObject(document)) return undefined
  return {
    activationId: activationId as ActivationId,
    namespace: namespace as NamespaceName,
    filter,
    start,
    statusCode,
    // Cut out, not rendered again: no name holds a comma or a quote, so the fifth comma is where the document begins.
    document: line.slice(nthIndexOf(line, ',', 5) + 1, line.lastIndexOf(']')),
  }
}

function isStatusCode(value: unknown): value is StatusCode {
  return value === 0 || value === 1 || value === 2 || value === 3
}

function nthIndexOf(text: string, character: string, n: number): number {
  let at = -1
  for (let count = 0; count < n; count++) at = text.indexOf(character, at + 1)
  return at
}
