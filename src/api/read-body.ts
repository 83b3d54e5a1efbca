/** Whole request bodies, bounded in bytes and time. */

import type { IncomingMessage } from 'node:http'
import type { Exchange } from './exchange.ts'
import { clientGone, TransportRefusal } from './rejections.ts'

export interface BodyLimits {
  readonly maxBytes: number
  /** ms from the call to the body's last byte. A constant of the server: timers of equal length are cheap. */
  readonly timeoutMs: number
}

const EMPTY = Buffer.alloc(0)

/** Throws `TransportRefusal` 400 when the declared length is over the limit. To be called before anything else is done for a request. */
export function checkDeclaredLength(req: IncomingMessage, maxBytes: number): void {
  const declared = req.headers['content-length']
  if (declared !== undefined && Number(declared) > maxBytes) throw new TransportRefusal(400, 'Request too large')
}

/**
 * The whole body; empty when the request has none. Tells a caller that waits with `Expect: 100-continue` to go on, so everything that can be
 * refused without the body should have been. Rejects with `TransportRefusal` (400 or 413 too large, 408 too slow) or the refusal `CLIENT_GONE`.
 */
export async function readBody({ req, res }: Exchange, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const { 'content-length': declared, 'transfer-encoding': coding, expect } = req.headers
  if (coding === undefined && (declared === undefined || declared === '0')) return EMPTY
  checkDeclaredLength(req, maxBytes)
  if (req.destroyed) throw clientGone()
  if (expect !== undefined) res.writeContinue()
  // Small bodies came with their headers: neither a timer nor listeners are needed, which were a twentieth of a warm call's processor time.
  if (req.complete) return arrived(req.read(), maxBytes)

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(
      () => settle(new TransportRefusal(408, 'The request was not received in time.')),
      timeoutMs,
    )
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else settle(tooLarge(maxBytes))
    }
    const onEnd = (): void => settle(undefined)
    const onGone = (): void => settle(clientGone())
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      if (error === undefined) resolve(joined(chunks))
      else {
        // A late error of the abandoned stream has no other listener and would end the process.
        req.on('error', ignore)
        reject(error)
      }
    }
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** What had been read of a request when it was complete. */
function arrived(body: unknown, maxBytes: number): Buffer {
  if (!(body instanceof Buffer)) return EMPTY
  if (body.length > maxBytes) throw tooLarge(maxBytes)
  return body
}

function tooLarge(maxBytes: number): TransportRefusal {
  const message = `EntityStreamSizeException: incoming entity size (while streaming) exceeded size limit (${maxBytes} bytes)!`
  return new TransportRefusal(413, message)
}

function ignore(): void {}

/** Most bodies are one chunk, which needs no copy. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}
