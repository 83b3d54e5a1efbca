/** The argument `security-opt` of `docker run`. */

import { readFileSync } from 'node:fs'

/** Words that stand for profiles which the engine has itself. */
const BUILT_IN = new Set(['unconfined', 'builtin'])

/**
 * The options as the engine takes them: where the command line names the file of a seccomp profile, the engine wants its content, as JSON without white
 * space. Throws when it cannot be read.
 */
export function readSecurityOptions(values: readonly string[]): readonly string[] {
  return values.map((value) => {
    const [, key = '', text = ''] = /^([a-z-]+)[=:](.+)$/s.exec(value) ?? []
    if (value === 'no-new-privileges') return value
    if (key === 'seccomp') return BUILT_IN.has(text) ? `seccomp=${text}` : `seccomp=${seccompProfile(text)}`
    if (['apparmor', 'label', 'no-new-privileges', 'writable-cgroups'].includes(key)) return `${key}=${text}`
    throw new Error(
      `${JSON.stringify(value)} is none of seccomp=FILE, apparmor=PROFILE, label=…, no-new-privileges, writable-cgroups`,
    )
  })
}

function seccompProfile(path: string): string {
  try {
    return JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new Error(
      `the seccomp profile ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}
