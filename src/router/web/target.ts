/** The URL of a web action: `/api/v1/web/NS/PKG/A[.ext][/more/path][?query]`. */

import { decodeSegment, splitTarget } from '../../api/request-target.ts'
import { isLegalName } from '../../model/names.ts'
import { DEFAULT_PACKAGE } from '../../model/package.ts'
import type { Target } from '../resolve.ts'

/** In the order in which they are looked for at the end of the action's segment. */
const EXTENSIONS = ['http', 'json', 'html', 'svg', 'text'] as const

/** What the result is made into. */
export type Extension = (typeof EXTENSIONS)[number]

export interface WebTarget extends Target {
  readonly extension: Extension
  /** What follows the action's segment, as it was sent: empty, or beginning with a slash. */
  readonly path: string
  /** Without the question mark, as it was sent. */
  readonly query: string
}

const PREFIX = '/api/v1/web/'

/** Reads a request target; undefined when it is no web action's, or unfit: whoever answers all other requests refuses it then. */
export function matchWeb(url: string): WebTarget | undefined {
  if (!url.startsWith(PREFIX)) return undefined
  try {
    const { path, query } = splitTarget(url)
    return webTarget(path, query)
  } catch {
    return undefined
  }
}

function webTarget(path: string, query: string): WebTarget | undefined {
  const namespaceEnd = path.indexOf('/', PREFIX.length)
  if (namespaceEnd < 0) return undefined
  const packageEnd = path.indexOf('/', namespaceEnd + 1)
  if (packageEnd < 0) return undefined
  const slash = path.indexOf('/', packageEnd + 1)
  const actionEnd = slash < 0 ? path.length : slash
  const namespace = decodeSegment(path.slice(PREFIX.length, namespaceEnd))
  const pkg = decodeSegment(path.slice(namespaceEnd + 1, packageEnd))
  const segment = decodeSegment(path.slice(packageEnd + 1, actionEnd))
  const extension = EXTENSIONS.find((candidate) => segment.endsWith(`.${candidate}`))
  const name = extension === undefined ? segment : segment.slice(0, -1 - extension.length)
  if (!isLegalName(namespace) || !isLegalName(pkg) || !isLegalName(name)) return undefined
  return {
    namespace,
    package: pkg === DEFAULT_PACKAGE ? undefined : pkg,
    name,
    extension: extension ?? 'http',
    path: path.slice(actionEnd),
    query,
  }
}
