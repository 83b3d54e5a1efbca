/**
 * Codes of what keeps a server from starting, or from working as well as it could: printed beside what was found, searched for in
 * docs/troubleshooting.md, where each has a section of its name. A code is never given another meaning.
 */
export const CHECK_CODES = {
  OW001: 'the data directory',
  OW002: 'the address and port of the API',
  OW003: 'the sandbox of processes',
  OW101: 'whether the Docker Engine answers',
  OW102: 'the version of its API',
  OW103: 'its operating system',
  OW104: 'the images of kinds',
  OW105: 'control groups',
  OW106: 'the freezer',
  OW107: 'runc',
  OW108: 'the state of runc',
  OW109: 'the files of containers',
  OW110: 'how containers are suspended',
  OW111: 'the network of containers',
  OW112: 'seccomp',
  OW113: 'user namespaces',
  OW114: 'restarts of the engine',
  OW115: 'the disk of images',
  OW116: 'limits',
  OW117: 'extra arguments',
  OW118: 'certificates',
} as const

export type CheckCode = keyof typeof CHECK_CODES

/** One thing that was looked at. A `problem` keeps a server from starting, a `note` costs speed or protection. */
export interface Check {
  readonly code: CheckCode
  readonly state: 'ok' | 'note' | 'problem'
  readonly text: string
  /** What mends it: a command, or the setting to change. */
  readonly remedy?: string
}
