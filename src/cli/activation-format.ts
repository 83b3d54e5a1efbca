/** Activations as text: the rows of `activation list`, and log lines. */

import type { JsonObject } from '../model/json.ts'
import { annotationOf, numberOf, textOf } from './fields.ts'

const STATUSES = ['success', 'application error', 'developer error', 'internal error'] as const

/** Header of `formatActivationRow`'s columns, as `wsk` prints it. */
export const ACTIVATION_HEADER =
  'Datetime            Activation ID                    Kind      Start Duration   Status            Entity'

/** One item of an activation list as a line without its end. Times are the user's local ones. */
export function formatActivationRow(item: JsonObject): string {
  const start = numberOf(item.start) ?? 0
  const kind = annotationOf(item, 'kind')
  const fields = [
    formatDate(new Date(start)),
    textOf(item.activationId).padEnd(32),
    (typeof kind === 'string' ? kind : 'unknown').padEnd(9),
    (annotationOf(item, 'initTime') === undefined ? 'warm' : 'cold').padEnd(5),
    formatDuration(durationOf(item)).padEnd(10),
    (STATUSES[numberOf(item.statusCode) ?? 0] ?? 'unknown').padEnd(17),
    `${truncate(textOf(item.namespace), 20)}/${truncate(textOf(item.name), 30)}:${truncate(textOf(item.version), 20)}`,
  ]
  return fields.join(' ')
}

function durationOf(item: JsonObject): number {
  return numberOf(item.duration) ?? Math.max(0, (numberOf(item.end) ?? 0) - (numberOf(item.start) ?? 0))
}

/** `850ms`, `1.25s`, `2m3.5s`: Go's notation, which `wsk` prints. `ms` is in milliseconds. */
export function formatDuration(ms: number): string {
  if (ms <= 0) return '0s'
  if (ms < 1000) return `${ms}ms`
  const seconds = (ms % 60_000) / 1000
  const minutes = Math.floor(ms / 60_000) % 60
  const hours = Math.floor(ms / 3_600_000)
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

function formatDate(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

function truncate(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`
}

/** A log line without its time stamp and stream name. */
export function stripLogLine(line: string): string {
  return line.replace(/^\S+\s+(?:stdout|stderr): /, '')
}

/** Control characters other than tabs made visible: what an action prints must not drive the user's terminal. */
export function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u0008\u000B-\u001A\u001C-\u001F\u007F]/g, '\uFFFD')
}
