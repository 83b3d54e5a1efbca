/** Names of entities as users type them: `hello`, `package/hello`, `/namespace/hello`, `/namespace/package/hello`. */

import { usageError } from './failure.ts'

export interface EntityName {
  readonly namespace: string
  /** `hello` or `package/hello`. */
  readonly name: string
  /** The same as path segments. */
  readonly segments: readonly string[]
}

/**
 * Parses a name. Without a leading slash the namespace is `defaultNamespace`, except that three segments always begin with the namespace, as with `wsk`.
 * Throws a usage error.
 */
export function parseEntityName(text: string, defaultNamespace: string): EntityName {
  const qualified = text.startsWith('/') || text.split('/').length === 3
  const parts = text.replace(/^\//, '').split('/')
  const [namespace, segments] = qualified ? [parts[0] ?? '', parts.slice(1)] : [defaultNamespace, parts]
  if (namespace === '' || segments.length === 0 || segments.length > 2 || segments.includes('')) {
    throw usageError(
      `'${text}' is not a valid qualified name; it looks like hello, package/hello or /namespace/package/hello.`,
    )
  }
  return { namespace, name: segments.join('/'), segments }
}

/** Parses the argument of a list: nothing, `/namespace`, `package` or `/namespace/package`. */
export function parseListScope(
  text: string | undefined,
  defaultNamespace: string,
): { readonly namespace: string; readonly package?: string } {
  if (text === undefined || text === '' || text === '/') return { namespace: defaultNamespace }
  if (/^\/[^/]+\/?$/.test(text)) return { namespace: text.replaceAll('/', '') }
  const { namespace, segments } = parseEntityName(text.replace(/\/$/, ''), defaultNamespace)
  if (segments.length !== 1)
    throw usageError(`'${text}' names an action; a list takes /namespace, package or /namespace/package.`)
  return { namespace, ...(segments[0] !== undefined && { package: segments[0] }) }
}

/** Parses the name of a package, trigger or rule, none of which lie in a package. Throws a usage error. */
export function parseTopName(text: string, defaultNamespace: string, kind: 'package' | 'trigger' | 'rule'): EntityName {
  const found = parseEntityName(text, defaultNamespace)
  if (found.segments.length === 1) return found
  throw usageError(`'${text}' is not a valid ${kind} name; it looks like my${kind} or /namespace/my${kind}.`)
}

/** Parses the argument of a list that knows only namespaces: nothing or `/namespace`. Throws a usage error. */
export function parseNamespaceScope(text: string | undefined, defaultNamespace: string): string {
  if (text === undefined || text === '' || text === '/') return defaultNamespace
  if (/^\/[^/]+\/?$/.test(text)) return text.replaceAll('/', '')
  throw usageError(
    `An entity name, '${text}', was provided instead of a namespace. Valid namespaces are of the following format: /NAMESPACE.`,
  )
}

/** The name with its namespace in front, as the API takes references: `/namespace/package/hello`. */
export function qualified({ namespace, name }: EntityName): string {
  return `/${namespace}/${name}`
}
