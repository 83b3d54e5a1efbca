/** What a web action's result is as an HTTP answer, and how that is sent. */

import { accepts } from '../../api/accept.ts'
import type { Exchange } from '../../api/exchange.ts'
import { notAcceptable } from '../../api/rejections.ts'
import type { MediaType } from './media-types.ts'

export interface WebAnswer {
  /** 200 to 599. */
  readonly status: number
  /** Names and values in turn, all of them fit to be sent. Without type and length of the content. */
  readonly headers: readonly string[]
  /** Absent: there is none. */
  readonly content?: WebContent
}

export interface WebContent {
  readonly mediaType: Pick<MediaType, 'type' | 'subtype' | 'contentType'>
  readonly data: string | Buffer
}

// Not by `import`, which would evaluate every lazy getter of the module.
const { STATUS_CODES } = process.getBuiltinModule('node:http')
const NO_CONTENT = 204
const NOT_MODIFIED = 304

/** Sends it, `headers` first. Throws 406 where the caller does not take content of that type; errors are sent to everybody. */
export function sendWebAnswer(
  { req, res, tid }: Exchange,
  { status, content, headers: own }: WebAnswer,
  headers: readonly string[],
): void {
  const all = ['X-Request-ID', tid, ...headers, ...own]
  if (content !== undefined && status < 300) {
    const { type, subtype, contentType } = content.mediaType
    if (!accepts(req.headers.accept, type, subtype)) throw notAcceptable([contentType])
  }
  // Answers with these have no content by themselves; a length or a type would only mislead.
  const bare = status === NO_CONTENT || status === NOT_MODIFIED
  if (bare || content === undefined) {
    if (!bare) all.push('Content-Length', '0')
    res.writeHead(status, reasonOf(status), all)
    res.end()
    return
  }
  const { mediaType, data } = content
  all.push('Content-Type', mediaType.contentType, 'Content-Length', String(Buffer.byteLength(data)))
  res.writeHead(status, reasonOf(status), all)
  res.end(data)
}

/** The reason phrase of a status that has none is empty. */
function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? ''
}
