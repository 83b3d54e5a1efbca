/** The HTTP edge of fires: `POST /api/v1/namespaces/NS/triggers/T`, in and out. */

import { REST_CORS } from '../api/cors.ts'
import type { Exchange } from '../api/exchange.ts'
import { wantsExtraLogging } from '../api/extra-logging.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { decodeSegment, splitTarget } from '../api/request-target.ts'
import { sendJson } from '../api/respond.ts'
import { firedHeaders } from './fire-arguments.ts'
import type { FireDeps } from './fire.ts'
import { fire } from './fire.ts'
import { readJsonBody } from './http-invoke.ts'
import { appendRateLimit } from './quota.ts'

export interface HttpFireDeps extends FireDeps {
  /** Bytes of any body, and ms to read it. */
  readonly bodyLimits: BodyLimits
}

/** The trigger that a request target names, decoded but not parsed. */
export interface FireTarget {
  readonly namespace: string
  readonly name: string
}

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/triggers\/([^/]+)$/

/** Reads the target of a POST; undefined when it is no trigger's, or unfit: whoever answers all other requests refuses it then. */
export function matchFire(url: string): FireTarget | undefined {
  try {
    const [, namespace, name] = PATH.exec(splitTarget(url).path) ?? []
    if (namespace === undefined || name === undefined) return undefined
    return { namespace: decodeSegment(namespace), name: decodeSegment(name) }
  } catch {
    return undefined
  }
}

/** Fires the trigger for one HTTP request and answers it; rejects with what `sendError` takes. */
export async function handleFire(exchange: Exchange, { namespace, name }: FireTarget, on: HttpFireDeps): Promise<void> {
  const { req, res, tid } = exchange
  const declared = req.headers['content-length']
  const { activationId, quota } = await fire(
    {
      authorization: req.headers.authorization,
      namespace,
      name,
      declaredBytes: declared === undefined ? undefined : Number(declared),
      readPayload: () => readJsonBody(exchange, on.bodyLimits),
      transactionId: tid,
      headers: firedHeaders(req.headers),
      extraLogging: wantsExtraLogging(req.headers),
    },
    on,
  )
  if (res.destroyed) return
  const headers: string[] = activationId === undefined ? [] : ['x-openwhisk-activation-id', activationId]
  appendRateLimit(headers, quota)
  if (activationId !== undefined) return sendJson(exchange, 202, `{"activationId":"${activationId}"}`, headers)
  res.writeHead(204, ['X-Request-ID', tid, ...REST_CORS, ...headers])
  res.end()
}
