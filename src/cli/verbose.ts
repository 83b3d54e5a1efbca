/** What --verbose must not print: requests and answers may carry keys. */

const KEY = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):[A-Za-z0-9]{16,}/gi
const MAX_LENGTH = 2000

/** `text` with the secret half of every `uuid:key` masked, cut to a readable length. */
export function stripSecrets(text: string): string {
  const masked = text.replaceAll(KEY, '$1:***')
  return masked.length > MAX_LENGTH ? `${masked.slice(0, MAX_LENGTH)}… (${masked.length} characters)` : masked
}
