/** Hosts that stand for a namespace: where the domain is `example.org`, `NS.example.org/x/y` is `/api/v1/web/NS/x/y`. */

const NAMESPACE = /^[a-zA-Z0-9-]+$/
const API = /^\/api\/v1(?:[/?]|$)/
const INDEX = 'public/index.html'

/** The request target that is meant. The API itself is reached by every host. `host` is the header, `url` the target as it came. */
export function vanityTarget(domain: string, host: string | undefined, url: string): string {
  const namespace = host === undefined ? undefined : namespaceIn(host, domain)
  if (namespace === undefined || !url.startsWith('/') || API.test(url)) return url
  const path = /^\/(?:\?|$)/.test(url) ? `${INDEX}${url.slice(1)}` : url.slice(1)
  return `/api/v1/web/${namespace}/${path}`
}

function namespaceIn(host: string, domain: string): string | undefined {
  const [name = ''] = host.split(':', 1)
  const end = name.length - domain.length - 1
  if (end < 1 || name.slice(end).toLowerCase() !== `.${domain.toLowerCase()}`) return undefined
  const namespace = name.slice(0, end)
  return NAMESPACE.test(namespace) ? namespace : undefined
}
