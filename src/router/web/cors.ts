/** The CORS headers of web actions that do not answer OPTIONS themselves. */

const METHODS = 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH'
const HEADERS = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent'

/** Names and values in turn. `requested` is the header `Access-Control-Request-Headers`: what a browser asks for, it may send. */
export function corsHeaders(requested: string | undefined): readonly string[] {
  return [
    'Access-Control-Allow-Origin',
    '*',
    'Access-Control-Allow-Methods',
    METHODS,
    'Access-Control-Allow-Headers',
    requested ?? HEADERS,
  ]
}
