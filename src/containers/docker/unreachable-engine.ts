/** Why an engine cannot be spoken to, in words that say what to do: for `stave doctor`, and for a server that cannot start. */

import type { Check } from '../../model/check-codes.ts'
import { UnspokenApi } from './engine-client.ts'
import { EngineUnreachable } from './engine-transport.ts'
import { BadArgument } from './extra-arguments.ts'

/** What its client rejected with; `code` is the system's, where it has one. */
export interface EngineFailure {
  readonly code: string | undefined
  readonly message: string
}

/** How deep the client and the libraries below it wrap what the socket says. */
const DEPTH = 4
const CERTIFICATE = /CERT|TLS|SSL|SIGNATURE|ALTNAME/

/** Reads it from the error, or from what caused it. */
export function engineFailure(error: unknown): EngineFailure {
  const message = error instanceof Error ? error.message : String(error)
  let cause: unknown = error
  for (let depth = 0; depth < DEPTH && cause instanceof Error; depth++) {
    if ('code' in cause && typeof cause.code === 'string') return { code: cause.code, message }
    cause = cause.cause
  }
  return { code: undefined, message }
}

/** The finding. Some reasons have a remedy of their own; others are the engine's log's to tell. */
export function unreachable(address: string, { code = '', message }: EngineFailure): Check {
  const engine = `the Docker Engine at ${address}`
  const elsewhere = 'set docker.host (DOCKER_HOST), or docker.paths.socket, where it listens elsewhere'
  if (code === 'ENOENT') return problem('OW101', `${engine} is not there`, `install and start Docker; ${elsewhere}`)
  if (code === 'ECONNREFUSED')
    return problem('OW101', `${engine} does not run: nothing listens there`, `start Docker; ${elsewhere}`)
  if (code === 'EACCES' || code === 'EPERM') {
    const remedy =
      'run the platform as root, or add its user to the group docker (docker run --group-add, in a container)'
    return problem('OW101', `${engine} may not be used by this user`, remedy)
  }
  if (CERTIFICATE.test(code)) {
    const remedy =
      'docker.certPath needs the ca.pem that signed the engine’s certificate, and a cert.pem and key.pem that it trusts'
    return problem('OW118', `${engine} and this platform do not trust each other’s certificates (${code})`, remedy)
  }
  const text = message.startsWith(engine) ? message : `${engine} does not answer: ${message}`
  return problem('OW101', text, address.startsWith('unix:') ? `look at its log; ${elsewhere}` : elsewhere)
}

function problem(code: Check['code'], text: string, remedy: string): Check {
  return { code, state: 'problem', text, remedy }
}

/** The error with its code and remedy, for the last line that a server prints; others as they are. */
export function startFailure(address: string, error: unknown): unknown {
  const coded = (text: string): Error => new Error(text, { cause: error })
  if (error instanceof BadArgument) return coded(`${error.message} (OW117)`)
  if (error instanceof UnspokenApi) return coded(`${error.message} (OW102)`)
  if (!(error instanceof EngineUnreachable)) return error
  const { code, text, remedy = '' } = unreachable(address, engineFailure(error))
  return coded(`${text}: ${remedy} (${code})`)
}
