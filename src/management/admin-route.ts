/** Routes of the admin API as data: a path with names in it, and a function a method. What it returns is the answer's JSON. */

import { decodeSegment } from '../api/request-target.ts'
import { malformedContent } from '../model/errors.ts'
import type { JsonObject } from '../model/json.ts'

/** One request to the admin API. */
export interface AdminCall {
  /** The segment that stands in the place of `{name}`, decoded. */
  param(name: string): string
  /** As it came, without the question mark. */
  readonly query: string
  /** Reads the body: a JSON object. Throws 400, 413, 415. */
  body(): Promise<JsonObject>
  /** As `body`, with `{}` where nothing was sent. */
  optionalBody(): Promise<JsonObject>
  /** What the audit's line says besides the path: names, never secrets. */
  note(fields: Readonly<Record<string, unknown>>): void
}

export type AdminHandler = (call: AdminCall) => unknown
export type AdminMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type AdminMethods = Readonly<Partial<Record<AdminMethod, AdminHandler>>>

/** By path below `/admin/`: `users/{subject}/block`. */
export type AdminRoutes = Readonly<Record<string, AdminMethods>>

export interface MatchedRoute {
  readonly methods: AdminMethods
  readonly params: Readonly<Record<string, string>>
}

/** The route of a path (still percent-encoded) below `/admin/`; no part of it may be empty. */
export function matchAdminRoute(routes: AdminRoutes, path: string): MatchedRoute | undefined {
  const segments = path.split('/')
  if (segments.includes('')) return undefined
  for (const [pattern, methods] of Object.entries(routes)) {
    const params = matchPattern(pattern.split('/'), segments)
    if (params !== undefined) return { methods, params }
  }
  return undefined
}

function matchPattern(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, part] of pattern.entries()) {
    const segment = segments[at] ?? ''
    if (part.startsWith('{')) params[part.slice(1, -1)] = decodeSegment(segment)
    else if (part !== segment) return undefined
  }
  return params
}

/** A field that is text, or absent. Throws 400. */
export function textField(given: JsonObject, name: string): string | undefined {
  const value = given[name]
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  throw malformedContent(`'${name}' must be a string`)
}

/** A field that is true or false; absent is false. Throws 400. */
export function flagField(given: JsonObject, name: string): boolean {
  const value = given[name] ?? false
  if (typeof value === 'boolean') return value
  throw malformedContent(`'${name}' must be true or false`)
}
