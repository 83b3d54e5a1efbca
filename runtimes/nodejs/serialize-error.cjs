'use strict'
/**
 * What a rejected promise leaves behind, as plain JSON: the same shape as the npm package serialize-error 9, which OpenWhisk's runtime answers with
 * (own enumerable properties, then name, message, stack and code where they are strings; circles cut), and `cause`, which that version did not know.
 */

const TEXT_PROPERTIES = ['name', 'message', 'stack', 'code']
/** Deeper than this nobody reads, and a chain built to exhaust the stack ends here. */
const MAX_DEPTH = 100

/** Returns `value` itself for primitives, `[Function: name]` for functions, a plain copy for objects. May throw what a getter of it throws. */
function serializeError(value) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`
  return typeof value === 'object' && value !== null ? copy(value, []) : value
}

function copy(from, parents) {
  const to = Array.isArray(from) ? [] : {}
  if (parents.length >= MAX_DEPTH) return to
  const seen = [...parents, from]
  if (typeof from.toJSON === 'function') return from.toJSON()
  for (const key of Object.keys(from)) to[key] = copyProperty(from[key], seen)
  for (const key of TEXT_PROPERTIES) if (typeof from[key] === 'string') to[key] = from[key]
  if (from instanceof Error && Object.hasOwn(from, 'cause')) to.cause = copyProperty(from.cause, seen)
  return to
}

function copyProperty(value, seen) {
  if (typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (Buffer.isBuffer(value)) return '[object Buffer]'
  if (typeof value.pipe === 'function') return '[object Stream]'
  return seen.includes(value) ? '[Circular]' : copy(value, seen)
}

module.exports = { serializeError }
