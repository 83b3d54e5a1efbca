/** `/api-docs` and `/docs`: the documents of the API, and a page that shows them. For everybody, without credentials. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Exchange } from '../../api/exchange.ts'
import { methodNotAllowed, noRoute } from '../../api/rejections.ts'
import { sendJson } from '../../api/respond.ts'
import { REST_CORS } from '../../api/cors.ts'

/** Something that is served as it is until the process ends. */
interface Fixed {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
}

/** Paths of ours that answer with something; all others are none of ours. */
const DOCUMENTS: Readonly<Record<string, DocumentName>> = {
  '/api-docs': 'infoSwagger',
  '/api/v1/api-docs': 'restSwagger',
  '/api/v1/openapi.json': 'restOpenApi',
}
type DocumentName = 'infoSwagger' | 'restSwagger' | 'restOpenApi'

/** Redirects, relative to where they come from. */
const REDIRECTS: Readonly<Record<string, string>> = {
  '/docs': 'docs/index.html?url=/api-docs',
  '/api/v1/docs': 'docs/index.html?url=/api/v1/api-docs',
}

const PAGE = /^(?:\/api\/v1)?\/docs\/(index\.html|page\.js|page\.css)$/
const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=UTF-8',
  'page.js': 'text/javascript; charset=UTF-8',
  'page.css': 'text/css; charset=UTF-8',
}

/** Scripts and styles come from here alone, and nothing in an address becomes a part of the page. */
const PAGE_HEADERS = [
  'Content-Security-Policy',
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'no-referrer',
]

/** True for the paths that `serveDocs` answers. */
export function isDocsPath(path: string): boolean {
  return /^(?:\/api\/v1)?\/(?:docs(?:\/|$)|api-docs\/?$)|^\/api\/v1\/openapi\.json$/.test(path)
}

/** Answers documents and pages. They are made, or read, when they are asked for the first time. */
export function createDocs(startedAt: Date): { serve(exchange: Exchange, path: string): Promise<void> } {
  const lastModified = startedAt.toUTCString()
  const made = new Map<string, Promise<Fixed>>()

  function once(key: string, make: () => Promise<readonly [body: string, type: string]>): Promise<Fixed> {
    let found = made.get(key)
    if (found === undefined) {
      found = make().then(([text, type]) => {
        const body = Buffer.from(text)
        return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
      })
      made.set(key, found)
      found.catch(() => made.delete(key))
    }
    return found
  }

  return {
    async serve(exchange, path) {
      if (exchange.req.method !== 'GET') throw methodNotAllowed(['GET', 'OPTIONS'])
      const location = REDIRECTS[path]
      if (location !== undefined) return redirect(exchange, location)
      const document = DOCUMENTS[path]
      const page = PAGE.exec(path)?.[1]
      if (document !== undefined) {
        const fixed = await once(document, async () => [await textOf(document), 'application/json'])
        if (unchanged(exchange, fixed, startedAt)) return notModified(exchange, fixed, lastModified)
        return sendJson(exchange, 200, fixed.body.toString(), ['ETag', fixed.etag, 'Last-Modified', lastModified])
      }
      if (page === undefined) throw noRoute()
      const fixed = await once(page, async () => [
        await readFile(new URL(`page/${page}`, import.meta.url), 'utf8'),
        TYPES[page] ?? '',
      ])
      if (unchanged(exchange, fixed, startedAt)) return notModified(exchange, fixed, lastModified)
      sendPage(exchange, fixed, lastModified)
    },
  }
}

async function textOf(name: DocumentName): Promise<string> {
  const { documentText } = await import('./documents.ts')
  return documentText(name)
}

function redirect({ res, tid }: Exchange, location: string): void {
  const text = `The request, and all future requests should be repeated using <a href="${location}">this URI</a>.`
  const type = ['Content-Type', 'text/html; charset=UTF-8', 'Content-Length', `${Buffer.byteLength(text)}`]
  res.writeHead(308, ['X-Request-ID', tid, 'Location', location, ...type])
  res.end(text)
}

/** RFC 9110, 13.2.2: entity tags count where they are given, else the date. */
function unchanged({ req }: Exchange, { etag }: Fixed, lastModified: Date): boolean {
  const { 'if-none-match': tags, 'if-modified-since': since } = req.headers
  if (tags !== undefined) {
    return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
  }
  const date = since === undefined ? Number.NaN : Date.parse(since)
  // Dates have no milliseconds.
  return date >= Math.floor(lastModified.getTime() / 1000) * 1000
}

function notModified({ res, tid }: Exchange, { etag }: Fixed, lastModified: string): void {
  res.writeHead(304, ['X-Request-ID', tid, ...REST_CORS, 'ETag', etag, 'Last-Modified', lastModified])
  res.end()
}

function sendPage({ res, tid }: Exchange, { body, type, etag }: Fixed, lastModified: string): void {
  const entity = ['ETag', etag, 'Last-Modified', lastModified, 'Content-Type', type, 'Content-Length', `${body.length}`]
  res.writeHead(200, ['X-Request-ID', tid, ...PAGE_HEADERS, ...entity])
  res.end(body)
}
