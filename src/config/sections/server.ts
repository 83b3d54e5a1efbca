/** Keys of the process as a whole: where it listens, where it keeps its data, how it logs and stops. */

import type { ParameterScheme } from '../../model/parameter-keys.ts'
import { parseParameterKeys } from '../../model/parameter-keys.ts'
import { choice, flag, integer, path, text } from '../field.ts'

const HOST = /^[A-Za-z0-9_.:-]+$/
const DOMAIN = /^[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/
const LISTEN = /^(?:unix|(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5}))$/
const TOKEN_CHARACTERS = 16
const INVOKERS_URL = /^wss?:\/\/[^/?#\s]+\/?$/
/** As loose as can be: NODE_NAME is a variable that others set, too. */
const NODE_NAME = /^\P{C}{1,253}$/u

export const server = {
  host: text('127.0.0.1', {
    doc: 'Address that the public API listens on.',
    constraint: 'an IP address or host name, without scheme, port or brackets',
    check: (value) => (HOST.test(value) ? undefined : 'must be an IP address or host name, without scheme or port'),
    failure: 'EADDRNOTAVAIL at start where the host has no such address; on 127.0.0.1 other machines cannot connect.',
    whom: 'Everybody who serves other machines: 0.0.0.0 or ::.',
  }),
  port: integer(3233, {
    doc: 'Port that the public API listens on; 0 takes any free one.',
    max: 65_535,
    failure: 'EADDRINUSE at start where the port is taken; EACCES below 1024 without the right to bind there.',
    whom: 'Whoever runs several on one host or has another standard port.',
  }),
  dataDir: path('~/.stave', {
    doc: 'Directory of everything that outlives the process: entities, records, journal, container leftovers. One running Stave a directory.',
    failure: 'Start fails where it cannot be created or written, or another process holds it.',
    whom: 'Services and container images: a directory on a persistent disk.',
  }),
  nodeName: text('', {
    doc: 'Name of this node, by which its containers are known on an engine as this platform’s over restarts. Empty: the host’s, and containers are known by a mark in the data directory. The variable NODE_NAME sets it, too.',
    constraint: 'two platforms on one engine need different names, or different paths of data directories',
    check: (value) =>
      NODE_NAME.test(value) ? undefined : 'must have at most 253 characters, none of them a control character',
    failure: 'Two platforms of one name and one path on one engine remove each other’s containers.',
    whom: 'Manifests for Kubernetes: from the field spec.nodeName.',
  }),
  trusted: flag(false, {
    doc: 'All users are trusted: allows plain processes without a sandbox where other hosts can connect.',
    failure: 'On with strangers among the users: their code runs with the rights of the platform.',
    whom: 'Developers on a machine of their own. Never on a shared one.',
  }),
  systemPackages: flag(true, {
    doc: 'Writes the packages `utils` and `samples` of the namespace `whisk.system` at each start where they are missing or differ.',
    failure: 'Off: clients and compositions that use `/whisk.system/utils/echo` and the like get 404.',
    whom: 'Operators who keep packages of their own in `whisk.system`.',
  }),
}

export const internal = {
  listen: text('unix', {
    doc: 'Where roles reach each other: `unix` (a socket in the data directory) or `HOST:PORT`.',
    constraint: '`HOST:PORT` needs `internal.token`, and another port than `port`',
    check: checkListen,
    failure: 'Roles of other hosts cannot connect to a socket: they stay unready.',
    whom: 'Operators who run roles on several hosts.',
  }),
  token: text('', {
    secret: true,
    doc: 'Shared secret that authenticates the calls between roles.',
    constraint: `at least ${TOKEN_CHARACTERS} characters; required where \`internal.listen\` is HOST:PORT`,
    check: (value) =>
      value.length >= TOKEN_CHARACTERS ? undefined : `must have at least ${TOKEN_CHARACTERS} characters`,
    failure: 'Roles with different tokens refuse each other with 401 and stay unready.',
    whom: 'Operators who run roles on several hosts; give it by file (STAVE_INTERNAL_TOKEN_FILE).',
  }),
}

export const invokers = {
  listen: text('127.0.0.1:3234', {
    doc: 'Where invokers register with this control plane, `HOST:PORT`; port 0 takes any free one. Only with `containers.provider` invokers.',
    constraint: '`HOST:PORT`, another port than `port` and `internal.listen`',
    check: (value) => (value === 'unix' ? 'must be HOST:PORT' : checkListen(value)),
    failure: 'On 127.0.0.1 invokers of other hosts cannot register. EADDRINUSE at start where the port is taken.',
    whom: 'Operators of several nodes: an address that they reach, and no user code does.',
  }),
  url: text('', {
    doc: 'Where this invoker registers: `ws://HOST:PORT` of the control plane’s `invokers.listen`, or `wss://…` of a proxy with TLS before it. Only for `stave invoker`.',
    constraint: 'a URL with ws or wss, without a path; required for `stave invoker`',
    check: checkInvokersUrl,
    failure: 'The invoker stays unready and dials again, after 5 s at most.',
    whom: 'Whoever runs `stave invoker`.',
  }),
  token: text('', {
    secret: true,
    doc: 'Shared secret by which the control plane knows its invokers.',
    constraint: `at least ${TOKEN_CHARACTERS} characters; required where \`containers.provider\` is invokers, and for \`stave invoker\``,
    check: (value) =>
      value.length >= TOKEN_CHARACTERS ? undefined : `must have at least ${TOKEN_CHARACTERS} characters`,
    failure: 'Invokers with another token are refused with 401 and stay unready.',
    whom: 'Operators of several nodes; give it by file (STAVE_INVOKERS_TOKEN_FILE).',
  }),
  leaseMs: integer(10_000, {
    unit: 'ms',
    min: 500,
    doc: 'Silence after which an invoker, or the control plane, is taken for gone.',
    failure: 'Too short: a busy node is lost with all its containers. Too long: calls wait for a node that is dead.',
    whom: 'Operators of unsteady networks: longer.',
  }),
}

/** Providers of identities that configuration can select. */
export const AUTHENTICATION_PROVIDERS = ['basic'] as const

export const authentication = {
  provider: choice(AUTHENTICATION_PROVIDERS, 'basic', {
    doc: 'Who tells who callers are. `basic`: HTTP Basic with the keys in the artifact store, as OpenWhisk does.',
    failure: 'Callers whose credentials another provider gave are refused with 401.',
    whom: 'Nobody by default.',
  }),
}

const keysOf = (scheme: ParameterScheme) => (value: string) => {
  try {
    parseParameterKeys(scheme, value)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export const parameterStorage = {
  current: choice(['off', 'noop', 'aes-128', 'aes-256'], 'off', {
    doc: 'How parameters of actions, packages, bindings and triggers are encrypted before they are stored. `noop` is `off`, as in OpenWhisk.',
    constraint: 'an AES scheme needs a key: `parameterStorage.aes256` or `parameterStorage.aes128`',
    failure: '`off`: whoever reads the database file, or a copy of it, reads the parameters.',
    whom: 'Operators whose users keep secrets in parameters: aes-256.',
  }),
  aes256: text('', {
    secret: true,
    doc: 'Keys of aes-256, newest first: the first one encrypts, all decrypt. Each is `BASE64` or `ID:BASE64`, with commas between them.',
    constraint: 'keys of 32 bytes in base64',
    check: keysOf('aes-256'),
    failure:
      'A key that is taken out while values are encrypted with it: calls of their actions fail. `/admin/parameters/renew` moves all to the first one.',
    whom: 'Whoever turns encryption on; give it by file (STAVE_PARAMETER_STORAGE_AES256_FILE).',
  }),
  aes128: text('', {
    secret: true,
    doc: 'Keys of aes-128, as above.',
    constraint: 'keys of 16 bytes in base64',
    check: keysOf('aes-128'),
    failure: 'As above.',
    whom: 'Whoever takes over values that OpenWhisk encrypted so.',
  }),
}

export const controller = {
  username: text('operator', {
    doc: 'Name of the operator who may take the server out of service by `POST /disable`: it accepts nothing new until its next start.',
    constraint: 'only with `controller.password`',
    failure: 'Whoever knows name and password can stop the service.',
    whom: 'Operators whose scripts do that before they replace a controller; SIGTERM does the same and ends the server.',
  }),
  password: text('', {
    secret: true,
    doc: 'Password of that operator; without one nobody may.',
    failure: 'As above.',
    whom: 'As above; give it by file (STAVE_CONTROLLER_PASSWORD_FILE).',
  }),
}

export const http = {
  requestTimeoutMs: integer(65_000, {
    unit: 'ms',
    min: 1000,
    doc: 'Longest time from the first to the last byte of a request.',
    constraint: 'above `limits.blockingWaitMs`, not below `http.headersTimeoutMs`',
    failure: 'Too short: slow uploads end in 408.',
    whom: 'Nobody by default; whoever has clients on slow lines.',
  }),
  headersTimeoutMs: integer(10_000, {
    unit: 'ms',
    min: 100,
    doc: 'Longest time until the headers of a request are complete.',
    constraint: 'at most `http.requestTimeoutMs`',
    failure: 'Too long: idle half-open requests hold connections.',
    whom: 'Operators of public endpoints under attack: shorter.',
  }),
  keepAliveTimeoutMs: integer(70_000, {
    unit: 'ms',
    min: 0,
    doc: 'Time that an idle connection is kept open.',
    failure:
      'Shorter than the idle time of a proxy in front: now and then a request meets a closing connection and fails with 502.',
    whom: 'Operators with a load balancer in front: longer than its own idle time.',
  }),
  maxConnections: integer(20_000, {
    min: 1,
    doc: 'Connections open at once; more are closed at once.',
    constraint: 'the limit of open files of the process must be higher',
    failure: 'Too low: clients see resets under load. Too high for the limit of open files: EMFILE.',
    whom: 'Operators of large or of small hosts.',
  }),
  webDomain: text('', {
    doc: 'Domain whose subdomains are the web actions of a namespace each: `NS.DOMAIN/PKG/A`; empty: there is none.',
    constraint: 'a host name, without scheme or port',
    check: (value) => (DOMAIN.test(value) ? undefined : 'must be a host name, without scheme or port'),
    failure: 'Too short a domain takes hosts for namespaces that are none: they are answered 404.',
    whom: 'Operators who give each namespace an address of its own; it needs a wildcard DNS record that leads here.',
  }),
}

export const log = {
  level: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', {
    doc: 'Least severity that is logged.',
    failure: '`debug` writes lines for every request; `silent` hides errors as well.',
    whom: 'Whoever looks for a fault: debug.',
  }),
  format: choice(['auto', 'json', 'pretty'], 'auto', {
    doc: 'JSON lines, or coloured text for people. `auto` is pretty on a terminal and JSON elsewhere.',
    failure: 'Log collectors cannot parse pretty lines.',
    whom: 'Nobody by default.',
  }),
}

export const shutdown = {
  graceMs: integer(30_000, {
    unit: 'ms',
    min: 0,
    doc: 'Time that running requests get to finish after SIGTERM before they are cut off.',
    failure: 'Longer than what the supervisor waits before SIGKILL: accepted work may be cut off without an answer.',
    whom: 'Operators: a little less than terminationGracePeriodSeconds or TimeoutStopSec.',
  }),
}

function checkListen(value: string): string | undefined {
  const match = LISTEN.exec(value)
  if (match === null) return 'must be unix or HOST:PORT'
  return match[1] !== undefined && Number(match[1]) > 65_535 ? 'must have a port from 0 to 65535' : undefined
}

function checkInvokersUrl(value: string): string | undefined {
  return INVOKERS_URL.test(value) && URL.canParse(value) ? undefined : 'must be ws://HOST:PORT or wss://HOST[:PORT]'
}
