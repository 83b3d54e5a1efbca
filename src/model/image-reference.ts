/** Names of container images: `[host[:port]/]path/name[:tag][@digest]` (grammar of the Docker distribution project). */

const MAX_LENGTH = 500
const HOST = /^[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9][a-z0-9-]{0,62})*(?::\d{1,5})?$/i
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[a-z][a-z0-9]*(?:[-_+.][a-z][a-z0-9]*)*:[0-9a-f]{32,}$/i

/** True when `text` names an image. Path components are lower-case. */
export function isImageReference(text: string): boolean {
  if (text.length > MAX_LENGTH) return false
  const [named = '', digest, more] = text.split('@')
  if (more !== undefined || (digest !== undefined && !DIGEST.test(digest))) return false
  const lastSlash = named.lastIndexOf('/')
  const colon = named.indexOf(':', lastSlash + 1)
  if (colon >= 0 && !TAG.test(named.slice(colon + 1))) return false
  const components = (colon < 0 ? named : named.slice(0, colon)).split('/')
  const [first = ''] = components
  const hasHost = components.length > 1 && (/[.:]/.test(first) || first === 'localhost')
  if (hasHost && !HOST.test(first)) return false
  return components.slice(hasHost ? 1 : 0).every((component) => COMPONENT.test(component))
}

/** True for a name that a registry can give another image under any time: without a tag or digest, or with the tag `latest`. */
export function isLatest(image: string): boolean {
  if (image.includes('@')) return false
  const name = image.slice(image.lastIndexOf('/') + 1)
  return !name.includes(':') || name.endsWith(':latest')
}
