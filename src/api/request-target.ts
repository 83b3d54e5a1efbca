/** The request target taken apart by hand: on the path of every invocation a URL object would cost more than the rest of the routing. */

import { TransportRefusal } from './rejections.ts'

/** Longest request target in characters. */
export const MAX_TARGET_CHARACTERS = 8192

/** The target's path as sent (still percent-encoded) and its query without the question mark. */
export interface RequestTarget {
  readonly path: string
  readonly query: string
}

/** Splits `req.url`. Throws `TransportRefusal`: 414 when it is too long, 400 at a bad percent-escape. */
export function splitTarget(url: string): RequestTarget {
  if (url.length > MAX_TARGET_CHARACTERS) {
    throw new TransportRefusal(414, `URI length exceeds the configured limit of ${MAX_TARGET_CHARACTERS} characters`)
  }
  if (url.includes('%')) checkEscapes(url)
  const origin = url.startsWith('/') ? url : withoutAuthority(url)
  const mark = origin.indexOf('?')
  return mark < 0 ? { path: origin, query: '' } : { path: origin.slice(0, mark), query: origin.slice(mark + 1) }
}

const DOT_SEGMENT = /\/\.\.?(?:[/?]|$)/

/**
 * The target with `.` and `..` in its path resolved (RFC 3986, 5.2.4), as OpenWhisk's edge does it: wskdeploy asks for `actions/../../NS/actions/A`. Nothing
 * leads above the root. To be done before anything is read of a target.
 */
export function withoutDotSegments(url: string): string {
  if (!url.includes('/.') || !DOT_SEGMENT.test(url)) return url
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (!path.startsWith('/') || !DOT_SEGMENT.test(path)) return url
  const segments: string[] = []
  const all = path.split('/').slice(1)
  for (const segment of all) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  const last = all.at(-1)
  if (last === '.' || last === '..') segments.push('')
  return `/${segments.join('/')}${mark < 0 ? '' : url.slice(mark)}`
}

/** A proxy-style target (`GET http://host/path`) names the host again; servers have to accept it (RFC 9112, 3.2.2). */
function withoutAuthority(url: string): string {
  if (!/^https?:\/\//i.test(url)) return url
  const path = url.indexOf('/', url.indexOf('//') + 2)
  return path < 0 ? '/' : url.slice(path)
}

function checkEscapes(url: string): void {
  for (let at = url.indexOf('%'); at >= 0; at = url.indexOf('%', at + 1)) {
    for (const digit of [at + 1, at + 2]) {
      const found = url[digit]
      if (found === undefined || !/[0-9a-f]/i.test(found)) {
        const what = found === undefined ? 'Unexpected end of input' : `Invalid input '${found}'`
        throw new TransportRefusal(
          400,
          `Illegal request-target: ${what}, expected HEXDIG (line 1, column ${digit + 1})`,
        )
      }
    }
  }
}

/** One path segment, percent-decoded once. Escapes that are no UTF-8 become U+FFFD, which no name may contain. */
export function decodeSegment(segment: string): string {
  return segment.includes('%') ? decodeEscapes(segment) : segment
}

/** As `decodeSegment`, with `+` standing for a space as in queries and forms. */
export function decodeQueryPart(part: string): string {
  const spaced = part.includes('+') ? part.replaceAll('+', ' ') : part
  return spaced.includes('%') ? decodeEscapes(spaced) : spaced
}

function decodeEscapes(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Well-formed escapes of ill-formed UTF-8: decoded byte by byte, so that one bad byte does not hide the rest.
    const bytes = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    return Buffer.from(bytes, 'latin1').toString('utf8')
  }
}
