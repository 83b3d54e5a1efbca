/** What commands print: `ok:` lines, JSON in the form that `wsk` gives it, and tables. */

import { isJson } from '../model/json.ts'
import type { Cli } from './cli.ts'

const BOLD = '\u001B[1m'
const GREEN = '\u001B[32;1m'
const RED = '\u001B[31;1m'
const RESET = '\u001B[0m'

/** Wraps `text` in bold where output goes to a terminal that has not been told NO_COLOR (https://no-color.org). */
export function bold(cli: Cli, text: string): string {
  return styled(cli, BOLD, text)
}

function styled(cli: Cli, style: string, text: string): string {
  const plain = !cli.shell.isTerminal || (cli.shell.env['NO_COLOR'] ?? '') !== ''
  return plain ? text : `${style}${text}${RESET}`
}

/** Prints `ok: …`. */
export function printOk(cli: Cli, text: string): void {
  cli.shell.out(`${styled(cli, GREEN, 'ok:')} ${text}\n`)
}

/** Prints `error: …` on standard error. */
export function printError(cli: Cli, text: string): void {
  cli.shell.err(`${styled(cli, RED, 'error:')} ${text}\n`)
}

/** Prints a value as JSON, indented by four spaces as `wsk` does. */
export function printJson(cli: Cli, value: unknown): void {
  cli.shell.out(`${JSON.stringify(value, null, 4)}\n`)
}

/**
 * JSON text indented by four spaces. The text is not parsed: numbers beyond the precision of a double, and the order of keys, come out as the
 * server sent them.
 */
export function indentJson(text: string): string {
  const pieces: string[] = []
  let depth = 0
  let afterOpening = false
  const newLine = (): void => void pieces.push(`\n${'    '.repeat(depth)}`)
  for (const token of jsonTokens(text)) {
    const closing = token === '}' || token === ']'
    if (closing) depth -= 1
    // A pair of brackets with nothing inside stays together.
    if (afterOpening !== closing) newLine()
    afterOpening = token === '{' || token === '['
    if (afterOpening) depth += 1
    pieces.push(token === ':' ? ': ' : token)
    if (token === ',') newLine()
  }
  return pieces.join('')
}

/** Brackets, separators, strings and other scalars of JSON text. By hand: a pattern for strings overflows the stack on megabytes of escapes. */
function* jsonTokens(text: string): Generator<string> {
  const scalar = /[^\s"{}[\],:]+/y
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    scalar.lastIndex = at
    const token = char === '"' ? text.slice(at, endOfString(text, at)) : (scalar.exec(text)?.[0] ?? char)
    if (token.trim() !== '') yield token
    at += token.length
  }
}

/** Index after the closing quote of the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1)
  while (quote !== -1) {
    let before = quote
    while (text.charAt(before - 1) === '\\') before -= 1
    if ((quote - before) % 2 === 0) return quote + 1
    quote = text.indexOf('"', quote + 1)
  }
  return text.length
}

/** Prints JSON text, indented; text that is no JSON is printed as it is. */
export function printJsonText(write: (text: string) => void, text: string): void {
  write(`${isJson(text) ? indentJson(text) : text}\n`)
}

/** Rows as text in columns two spaces apart, the header in bold. The last column is not padded. */
export function formatTable(cli: Cli, header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [bold(cli, line(header)), ...rows.map((row) => line(row))].map((text) => `${text}\n`).join('')
}
