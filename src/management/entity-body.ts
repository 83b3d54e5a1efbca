/** The JSON body that a request to change an entity must have. */

import { parseJson, requireJsonType } from '../api/json-body.ts'
import type { BodyLimits } from '../api/read-body.ts'
import { readBody } from '../api/read-body.ts'
import type { JsonValue } from '../model/json.ts'
import type { ApiCall } from './api-call.ts'

/** Reads the body as JSON. Rejects with 400, 408, 413 and 415. */
export async function readEntityBody(call: ApiCall, limits: BodyLimits): Promise<JsonValue> {
  requireJsonType(call.req.headers['content-type'] ?? emptyBodyType(call)) // -> 415
  return parseJson(await readBody(call, limits)) // -> 400, 408, 413
}

/** A request without any body is refused for that, not for the type that it need not have. */
function emptyBodyType({ req }: ApiCall): string | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  return coding === undefined && (length === undefined || length === '0') ? 'application/json' : undefined
}
