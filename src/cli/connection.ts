/** Where the API is and who calls it: flags before environment before `.wskprops` before the standalone server's defaults. */

import { readFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { CliError, EXIT, messageOf, systemCodeOf, usageError } from './failure.ts'
import type { GlobalOptions } from './global-options.ts'
import type { Shell } from './shell.ts'
import type { Wskprops } from './wskprops.ts'
import { parseWskprops } from './wskprops.ts'

/** Where `stave standalone` listens unless told otherwise. */
export const DEFAULT_APIHOST = 'http://127.0.0.1:3233'

/** The key that OpenWhisk's standalone server and this one give the user `guest` on loopback addresses (and only there). */
export const GUEST_KEY =
  '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP'

export interface Connection {
  /** Origin of the API, no trailing slash. */
  readonly apihost: string
  /** `v1` unless APIVERSION says otherwise. */
  readonly apiVersion: string
  readonly auth: string
  /** Where the credentials came from, in words, for error messages. */
  readonly authOrigin: string
  /** Namespace of names that have none: `_` unless NAMESPACE says otherwise. */
  readonly namespace: string
  readonly insecure: boolean
  /** PEM of a client certificate, where one is configured. */
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer }
}

interface Found {
  readonly value: string
  readonly origin: string
}

/** Resolves the connection. Throws a usage error where the host or the credentials are missing or malformed. */
export function resolveConnection(
  flags: GlobalOptions,
  shell: Pick<Shell, 'env' | 'cwd' | 'homedir'>,
  readFile: (path: string) => Buffer = (path) => readFileSync(path),
): Connection {
  const { path, properties } = readProperties(shell, readFile)
  const find = (flag: string | undefined, flagName: string, variable: string, key: string): Found | undefined => {
    if (flag !== undefined && flag !== '') return { value: flag, origin: flagName }
    const fromEnvironment = shell.env[variable]
    if (fromEnvironment !== undefined && fromEnvironment !== '') return { value: fromEnvironment, origin: variable }
    const fromFile = properties.get(key)
    return fromFile === undefined ? undefined : { value: fromFile, origin: `${key} in ${path}` }
  }
  const apihost = parseApihost(find(flags.apihost, '--apihost', 'WHISK_APIHOST', 'APIHOST'))
  const auth = find(flags.auth, '--auth', 'WHISK_AUTH', 'AUTH') ?? guestOn(apihost)
  if (auth === undefined) {
    throw usageError(`No credentials for ${apihost}: give them with --auth, in WHISK_AUTH or as AUTH in ${path}.`)
  }
  if (!/^[^\s:]+:\S+$/.test(auth.value))
    throw usageError(`The credentials of ${auth.origin} are not of the form uuid:key.`)
  const certificate = readCertificate(properties, readFile, shell)
  return {
    apihost,
    apiVersion: find(undefined, '', 'WHISK_APIVERSION', 'APIVERSION')?.value ?? 'v1',
    auth: auth.value,
    authOrigin: auth.origin,
    namespace: find(undefined, '', 'WHISK_NAMESPACE', 'NAMESPACE')?.value ?? '_',
    insecure: flags.insecure === true,
    ...(certificate !== undefined && { certificate }),
  }
}

function readProperties(
  shell: Pick<Shell, 'env' | 'cwd' | 'homedir'>,
  readFile: (path: string) => Buffer,
): { readonly path: string; readonly properties: Wskprops } {
  const named = shell.env['WSK_CONFIG_FILE']
  const path = named === undefined || named === '' ? join(shell.homedir, '.wskprops') : resolve(shell.cwd, named)
  try {
    return { path, properties: parseWskprops(readFile(path).toString('utf8')) }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return { path, properties: new Map() }
    throw new CliError(EXIT.general, `Cannot read ${path}: ${messageOf(error)}.`, { cause: error })
  }
}

function parseApihost(found: Found | undefined): string {
  if (found === undefined) return DEFAULT_APIHOST
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(found.value) ? found.value : `https://${found.value}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw usageError(`The API host '${found.value}' of ${found.origin} is not valid; it looks like ${DEFAULT_APIHOST}.`)
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** The well-known key is only ever sent to this machine. */
function guestOn(apihost: string): Found | undefined {
  const { hostname } = new URL(apihost)
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return loopback ? { value: GUEST_KEY, origin: 'the well-known key of guest' } : undefined
}

function readCertificate(
  properties: Wskprops,
  readFile: (path: string) => Buffer,
  shell: Pick<Shell, 'homedir'>,
): Connection['certificate'] {
  const [cert, key] = [properties.get('CERT'), properties.get('KEY')]
  if (cert === undefined || key === undefined) return undefined
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(shell.homedir, path))
  try {
    return { cert: readFile(absolute(cert)), key: readFile(absolute(key)) }
  } catch (error) {
    throw new CliError(EXIT.general, `Cannot read the client certificate of .wskprops: ${messageOf(error)}.`, {
      cause: error,
    })
  }
}
