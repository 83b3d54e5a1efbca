/** What probes and scrapers ask of any role on its internal listener: `/livez`, `/readyz`, `/metrics`. */

import type { Exchange } from '../api/exchange.ts'
import { methodNotAllowed, noRoute } from '../api/rejections.ts'
import { sendJson, sendText } from '../api/respond.ts'

/** One thing that has to be well for the platform to be ready. */
export interface ReadinessCheck {
  readonly name: string
  readonly ready: boolean
  /** Why not, and what would mend it. */
  readonly reason?: string
}

export interface Inside {
  /** Prometheus text. */
  readonly metrics: () => string | Promise<string>
  /** Bounded in time by whoever provides it. */
  readonly readiness: () => readonly ReadinessCheck[] | Promise<readonly ReadinessCheck[]>
}

const PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics'])

/** Answers such a request; rejects with 404 and 405. */
export async function lookInside(exchange: Exchange, path: string, on: Inside): Promise<void> {
  if (!PATHS.has(path)) throw noRoute()
  if (exchange.req.method !== 'GET') throw methodNotAllowed(['GET'])
  if (path === '/livez') return sendJson(exchange, 200, JSON.stringify({ live: true }))
  if (path === '/metrics') return sendText(exchange, 200, await on.metrics())
  const checks = await on.readiness()
  const ready = checks.every((check) => check.ready)
  sendJson(exchange, ready ? 200 : 503, JSON.stringify({ ready, checks }))
}
