/**
 * Sorts lines by their characters.
 *
 * @param {Array} args.lines texts or numbers
 * @returns the sorted lines, and how many they are
 */
function main(args) {
  const { lines = [] } = args
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  console.log(`sort input msg: ${JSON.stringify(args)}`)
  console.log(`sort before: ${lines.join()}`)
  const sorted = [...lines].sort()
  console.log(`sort after: ${sorted.join()}`)
  return { lines: sorted, length: sorted.length }
}
