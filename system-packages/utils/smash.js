/**
 * Puts all arguments below one name: `{ a: 1, $fieldName: 'p' }` becomes `{ p: { a: 1 } }`.
 *
 * @param {string} args.$fieldName the name
 */
function main({ $fieldName, ...rest }) {
  if (typeof $fieldName !== 'string') return { error: "Expected an argument '$fieldName' of type 'string'." }
  return { [$fieldName]: rest }
}
