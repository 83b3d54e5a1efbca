/**
 * Counts words.
 *
 * @param {string} params.payload a text
 */
function main(params) {
  const text = String(params.payload ?? '')
  const count = text.split(/\s+/).filter((word) => word !== '').length
  console.log(`The message '${text}' has ${count} words`)
  return { count }
}
