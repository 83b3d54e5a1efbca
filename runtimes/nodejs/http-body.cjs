'use strict'
/** The body of one request as text, within the bounds of a container's memory. */
const { collectGarbage } = require('./garbage-collection.cjs')

/** An action's code is 48 MB at most; what JSON adds to it (escapes, names, the environment) comes on top. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** From here on the copies of a body matter in a container of usual size. */
const LARGE_BODY_BYTES = 8 * 1024 * 1024

const { allocUnsafeSlow, concat } = Buffer

/** Calls `done(text)` when the body is complete, or `done(undefined)` as soon as it is known to be too large; never when the connection ends before. */
function readBody(request, done) {
  const announced = Number(request.headers['content-length'])
  if (announced > MAX_BODY_BYTES) return done(undefined)
  /** Where the length is known a large body is written into place: pieces and their concatenation would be there at once. */
  let whole = announced > LARGE_BODY_BYTES ? allocUnsafeSlow(announced) : undefined
  let chunks = []
  let length = 0

  function onData(chunk) {
    if (length + chunk.length > MAX_BODY_BYTES) {
      request.off('data', onData).off('end', onEnd)
      return done(undefined)
    }
    if (whole === undefined) chunks.push(chunk)
    else chunk.copy(whole, length)
    length += chunk.length
  }

  function onEnd() {
    const bytes = whole ?? (chunks.length === 1 ? chunks[0] : concat(chunks, length))
    const text = bytes.toString('utf8', 0, length)
    whole = undefined
    chunks = []
    if (length > LARGE_BODY_BYTES) setImmediate(() => done(collected(text)))
    else done(text)
  }

  request.on('data', onData).on('end', onEnd)
}

/** The bytes are garbage now, and would stay until the next collection. */
function collected(text) {
  collectGarbage()
  return text
}

module.exports = { readBody, MAX_BODY_BYTES }
