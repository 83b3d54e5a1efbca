/** The variables by which Docker's own client finds its engine. Whatever else sets the same keys wins over them. */

import { KEYS } from '../keys.ts'
import type { Environment, Reading, Setting } from '../setting.ts'

export const DOCKER_HOST = 'DOCKER_HOST'

const EQUALS: Readonly<Record<string, string>> = {
  [DOCKER_HOST]: 'docker.host',
  DOCKER_CERT_PATH: 'docker.certPath',
  DOCKER_TLS_VERIFY: 'docker.tlsVerify',
}

/** Reads them; empty ones are unset. */
export function readDockerClient(env: Environment): Reading {
  const settings = Object.entries(EQUALS).flatMap(([variable, name]): Setting[] => {
    const value = env[variable]?.trim() ?? ''
    const key = KEYS.find((entry) => entry.name === name)
    if (value === '' || key === undefined) return []
    // Docker's client takes any text as a yes, `0` included: never weaker than what its users have.
    const raw = variable === 'DOCKER_TLS_VERIFY' ? true : value
    return [{ key, raw, origin: { source: 'environment', name: variable } }]
  })
  return { settings, problems: [], warnings: [] }
}
