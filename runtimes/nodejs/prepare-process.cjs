'use strict'
/** Makes a Node.js process the place that an action runs in, whichever way its messages come. */
const { installGarbageCollection } = require('./garbage-collection.cjs')
const { installEnvironment } = require('./environment.cjs')
const { installStreams } = require('./process-streams.cjs')
const { Action, Turn } = require('./action.cjs')

/**
 * Returns `action`, and one of `storage` (runs overlap, as __OW_ALLOW_CONCURRENT says) and `turn`. From here on `process.env` and the standard streams are those
 * of the action. `modules` is a node_modules directory that it may require from; undefined: it is where Node looks by itself.
 */
function prepareProcess(modules) {
  const { __OW_ALLOW_CONCURRENT: concurrent } = process.env
  installGarbageCollection()
  const storage = concurrent === 'true' ? new (require('async_hooks').AsyncLocalStorage)() : undefined
  const environment = installEnvironment(storage)
  // Runs one after the other need no tracking to know whose output it is.
  const turn = storage === undefined ? new Turn() : undefined
  const streams = installStreams(storage, turn)
  return { action: new Action({ storage, turn, environment, streams, modules }), storage, turn }
}

module.exports = { prepareProcess }
