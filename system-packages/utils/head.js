/**
 * Takes the first lines of many.
 *
 * @param {Array} args.lines the lines
 * @param {number} args.num how many of them
 * @returns the first lines, and how many were asked for
 */
function main({ lines = [], num = 1 }) {
  if (!Array.isArray(lines)) return { error: "Expected an argument 'lines' of type 'array'." }
  const first = lines.slice(0, num)
  console.log(`head get first ${num} lines of ${lines.join()}: ${first.join()}`)
  return { lines: first, num }
}
