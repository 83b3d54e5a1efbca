/** Reads `.wskprops`, the file in which `wsk` keeps its properties: lines of `KEY=VALUE`, `#` for comments. */

export type Wskprops = ReadonlyMap<string, string>

/** Parses the file's text. Keys are upper-cased; the last of equal keys wins; lines without `=` and empty values are left out. */
export function parseWskprops(text: string): Wskprops {
  const properties = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue
    const at = trimmed.indexOf('=')
    if (at <= 0) continue
    const key = trimmed.slice(0, at).trim().toUpperCase()
    const value = trimmed.slice(at + 1).trim()
    if (value === '') properties.delete(key)
    else properties.set(key, value)
  }
  return properties
}
