'use strict'
/**
 * Gives actions `gc()`, as OpenWhisk's images do, without the interpreter's flag --expose-gc: an interpreter that is started with the flag cannot use the
 * code cache of its own modules, which makes each cold start some 5 ms longer.
 */

/** The collector, fetched at the first call because that takes a context of its own (6 ms). */
let collect = globalThis.gc

/** Collects garbage before it returns. `options` are those of V8's `gc`; even `undefined` makes it another kind, that keeps what the stack may hold. */
function collectGarbage(...options) {
  collect ??= exposedCollector()
  return collect(...options)
}

/** Defines the global `gc`, for user code. */
function installGarbageCollection() {
  Object.defineProperty(globalThis, 'gc', {
    value: collectGarbage,
    writable: true,
    enumerable: false,
    configurable: true,
  })
}

/** V8 defines `gc` in contexts that are made while the flag is set. It is taken back so that V8 goes on accepting code caches made without it. */
function exposedCollector() {
  const { setFlagsFromString } = require('v8')
  const { runInNewContext } = require('vm')
  setFlagsFromString('--expose-gc')
  try {
    return runInNewContext('gc')
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}

module.exports = { collectGarbage, installGarbageCollection }
