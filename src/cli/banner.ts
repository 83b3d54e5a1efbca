/** What `stave standalone` says when it is ready: where it listens, what protects the host, what it can run and how to use it. */

import type { Protections } from '../containers/protections.ts'
import { apiKey } from '../model/identity.ts'
import { GUEST_KEY } from './connection.ts'

export interface BannerFacts {
  readonly version: string
  readonly url: string
  readonly dataDir: string
  readonly adminSocket: string | undefined
  readonly loopback: boolean
  readonly protections: Protections
  readonly kinds: readonly string[]
  readonly absent: readonly { readonly kind: string; readonly reason: string; readonly remedy: string }[]
  /** Keys that were made up at this start. */
  readonly newKeys: readonly { readonly subject: string; readonly uuid: string; readonly key: string }[]
  /** `uuid:key` of the user guest; undefined when there is no such user. */
  readonly guestKey: string | undefined
}

/** The banner as lines. A key is shown when everybody knows it or when it was made up just now; any other one is left where it is. */
export function bannerText(facts: BannerFacts): string {
  const apihost = reachableUrl(facts.url)
  const rows: (readonly [string, string])[] = [
    ['data', facts.dataDir],
    ['sandbox', sandboxLine(facts.protections)],
    [
      'on',
      facts.protections.protections
        .filter(({ on }) => on)
        .map(({ name }) => name)
        .join(', ') || 'nothing',
    ],
    ...facts.protections.protections
      .filter(({ on }) => !on)
      .map(({ name, detail, remedy }) => ['off', `${name}: ${detail}${remedyText(remedy)}`] as const),
    ...facts.protections.rejected.map(
      ({ level, reason, remedy }) => ['better', `${level}: ${reason}${remedyText(remedy)}`] as const,
    ),
    ['kinds', facts.kinds.join(', ') || 'none'],
    ...facts.absent.map(({ kind, reason, remedy }) => ['missing', `${kind}: ${reason}${remedyText(remedy)}`] as const),
    ...facts.newKeys.map((key) => ['new key', `${key.subject} ${apiKey(key)}`] as const),
  ]
  return [
    `Stave ${facts.version} listens on ${facts.url}${facts.loopback ? ' (this host only)' : ''}`,
    ...rows.map(([label, text]) => `  ${label.padEnd(8)} ${text}`),
    ...(facts.protections.level === 'none' ? [UNPROTECTED] : []),
    `Set up wsk with:  wsk property set --apihost ${apihost} --auth ${authArgument(facts)}`,
    ...(facts.loopback && facts.guestKey === GUEST_KEY ? [TRY] : []),
    '',
  ].join('\n')
}

const UNPROTECTED =
  'WARNING: actions run as plain processes of this user, without a sandbox. They can read and change whatever this user can.'
const TRY =
  'Try it with:      npx stave action create hello hello.js  and  npx stave action invoke hello -r -p name World'

function sandboxLine({ level, root, network }: Protections): string {
  return `${level === 'none' ? 'NONE' : level} as ${root ? 'root' : 'an ordinary user'}, network ${network}`
}

function remedyText(remedy: string | undefined): string {
  return remedy === undefined || remedy === '' ? '' : ` (${remedy})`
}

/** An address that means "all addresses" is not one to connect to. */
function reachableUrl(url: string): string {
  return url.replace('://0.0.0.0', '://127.0.0.1').replace('://[::]', '://[::1]')
}

function authArgument({ guestKey, newKeys, dataDir }: BannerFacts): string {
  const made = newKeys.find(({ subject }) => subject === 'guest')
  if (made !== undefined) return apiKey(made)
  if (guestKey === GUEST_KEY) return guestKey
  const command = guestKey === undefined ? 'user create YOUR-NAME' : 'user get guest'
  return `"$(npx stave ${command} --data-dir ${dataDir})"`
}
