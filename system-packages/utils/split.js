/**
 * Splits a text into lines, or at another separator.
 *
 * @param {string} args.payload the text
 * @param {string} args.separator what is between two parts
 * @returns the parts as `lines`, and the text
 */
function main({ payload, separator = /\r?\n/ }) {
  if (payload === undefined || payload === null) return { error: "Expected an argument 'payload' of type 'string'." }
  const parts = { lines: String(payload).split(separator), payload }
  console.log(`split: returning ${JSON.stringify(parts)}`)
  return parts
}
