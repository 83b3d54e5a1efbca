/**
 * Joins lines to one text.
 *
 * @param {Array} args.lines texts or numbers
 * @returns the lines, and the text as `payload`
 */
function main({ lines = [] }) {
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  const joined = { lines, payload: lines.join('\n') }
  console.log(`cat: returning ${JSON.stringify(joined)}`)
  return joined
}
