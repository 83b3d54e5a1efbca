/** Which kind a file's extension stands for, and which extension a kind's code is saved with; both as `wsk` has it. */

interface Family {
  readonly family: string
  readonly extensions: readonly string[]
  /** The file is an archive or a program: it is sent as base64. */
  readonly binary?: true
}

const FAMILIES: readonly Family[] = [
  { family: 'nodejs', extensions: ['.js', '.cjs'] },
  { family: 'python', extensions: ['.py'] },
  { family: 'swift', extensions: ['.swift'] },
  { family: 'java', extensions: ['.jar'], binary: true },
  { family: 'php', extensions: ['.php'] },
  { family: 'ruby', extensions: ['.rb'] },
  { family: 'rust', extensions: ['.rs'] },
  { family: 'go', extensions: ['.go'] },
  { family: 'ballerina', extensions: ['.balx'], binary: true },
]

/** Archives that any family may come in: the name does not say which. */
const ARCHIVES: readonly string[] = ['.zip', '.tar.gz', '.tgz']

/** The kind for a file name, or undefined when it says nothing. */
export function kindOfFile(path: string): string | undefined {
  const found = FAMILIES.find(({ extensions }) => extensions.some((extension) => path.endsWith(extension)))
  return found === undefined ? undefined : `${found.family}:default`
}

/** True for archives: the kind must be given. */
export function isArchive(path: string): boolean {
  return ARCHIVES.some((extension) => path.endsWith(extension))
}

/** True when the file's bytes are no text and travel as base64. */
export function isBinaryFile(path: string): boolean {
  return (
    isArchive(path) ||
    FAMILIES.some(
      ({ extensions, binary }) => binary === true && extensions.some((extension) => path.endsWith(extension)),
    )
  )
}

/** Extension for code of `kind` that is saved to a file. */
export function extensionOf(kind: string, binary: boolean): string {
  const found = FAMILIES.find(({ family }) => family === kind.split(':')[0])
  if (!binary) return found?.extensions[0] ?? ''
  return found?.binary === true ? (found.extensions[0] ?? '.zip') : '.zip'
}
