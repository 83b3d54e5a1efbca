'use strict'
/**
 * Notices what may write to the process's standard output and error without passing through `process.stdout` and `process.stderr`: descriptors written directly,
 * child processes that inherit them, worker threads, native add-ons. Once there was such a thing nobody can say any more that a run has printed nothing.
 */
const fs = require('fs')
const childProcess = require('child_process')
const { syncBuiltinESMExports } = require('module')

/** Ways by which a path can lead to an open descriptor. */
const DESCRIPTOR_PATH = /^\/(?:dev\/(?:stdout|stderr|fd|tty|console)|proc\/)/
/** What may stand in a `stdio` option without giving the child a descriptor of ours. */
const HARMLESS = new Set([undefined, null, 'pipe', 'overlapped', 'ignore', 'ipc'])
const WRITERS = ['write', 'writeSync', 'writev', 'writevSync', 'open', 'openSync', 'writeFile', 'writeFileSync']
const APPENDERS = ['appendFile', 'appendFileSync']
const PROMISED = ['open', 'writeFile', 'appendFile']

/** Watches from now on. `possible` of the result turns true at the first sign, for good. */
function watchDirectOutput() {
  const direct = { possible: false }
  const seen = () => {
    direct.possible = true
  }
  const seenAt = (target) => {
    if (target === 1 || target === 2 || (typeof target !== 'number' && DESCRIPTOR_PATH.test(String(target)))) seen()
  }
  const seenIn = ({ length, [length - 1]: last, [length - 2]: other }) => {
    // Options come last, or before a callback.
    const stdio = (typeof last === 'function' ? other : last)?.stdio
    if (mayInherit(stdio)) seen()
  }
  for (const name of [...WRITERS, ...APPENDERS]) before(fs, name, ([target]) => seenAt(target))
  for (const name of PROMISED) before(fs.promises, name, ([target]) => seenAt(target))
  before(childProcess.ChildProcess.prototype, 'spawn', ([options]) => mayInherit(options?.stdio) && seen())
  for (const name of ['spawnSync', 'execFileSync', 'execSync']) before(childProcess, name, seenIn)
  before(process, 'dlopen', seen)
  before(process, '_rawDebug', seen)
  process.on('worker', seen)
  syncBuiltinESMExports()
  return direct
}

function mayInherit(stdio) {
  // The first entry is the child's input.
  return Array.isArray(stdio) ? stdio.slice(1).some((entry) => !HARMLESS.has(entry)) : !HARMLESS.has(stdio)
}

/** Calls `look(arguments)` before the function called `name`, which stays the same in all other respects. */
function before(holder, name, look) {
  const original = holder[name]
  function watched(...given) {
    look(given)
    return Reflect.apply(original, this, given)
  }
  // `util.promisify` finds the names of results in a property of the original.
  Object.defineProperties(watched, Object.getOwnPropertyDescriptors(original))
  holder[name] = watched
}

module.exports = { watchDirectOutput }
