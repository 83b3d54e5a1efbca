'use strict'
/**
 * `process.stdout`, `process.stderr` and `process.stdin` of an action.
 *
 * Output is written synchronously, so that everything a run printed is on its way before its answer is. Where runs overlap, it goes out in whole lines
 * that carry their activation's id. Standard input is the platform's line to the launcher: user code gets an empty stream instead.
 */
const { writeFully } = require('./line-channel.cjs')

const NEWLINE = 10
const RECORD_SEPARATOR = '\u001e'
/** Longest line that is held back for its newline; a longer one is cut in two. */
const MAX_PARTIAL_BYTES = 256 * 1024
const { from: bufferFrom, concat } = Buffer

/**
 * Replaces the three properties of `process`. With `storage`, whose stores have `id`, lines are attributed; with `turn`, while it has a store. Stores note
 * `printed`; one that has `open` (a boolean for 1 and 2) is of a process whose runs do not overlap: its output is passed on as it comes.
 * Returns `finish(store)`: writes out what a run printed without a newline at its end.
 */
function installStreams(storage, turn) {
  const owners = storage ?? turn
  /** What was printed outside of any run and lacks its newline. */
  const outside = { id: undefined, printed: false }
  /** Who has printed something that lacks its newline. */
  const unfinished = new Set()

  function attributed(fd, chunk, encoding) {
    const owner = owners.getStore() ?? outside
    if (chunk.length > 0) owner.printed = true
    if (owner.open !== undefined) return pass(owner, fd, chunk, encoding)
    const held = owner[fd]
    const prefix = prefixOf(owner)
    // The usual case, one whole line, needs no copying.
    if (held === undefined && typeof chunk === 'string' && chunk.indexOf('\n') === chunk.length - 1 && chunk !== '') {
      return writeFully(fd, prefix + chunk, encoding)
    }
    const bytes = typeof chunk === 'string' ? bufferFrom(chunk, encoding) : chunk
    const lines = []
    const start = bufferFrom(prefix)
    let rest = held === undefined ? bytes : concat([held, bytes])
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      lines.push(start, rest.subarray(0, end + 1))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > MAX_PARTIAL_BYTES) {
      lines.push(start, rest, bufferFrom('\n'))
      rest = rest.subarray(rest.length)
    }
    // A copy: the chunk belongs to the caller, who may reuse it.
    owner[fd] = rest.length === 0 ? undefined : bufferFrom(rest)
    if (rest.length > 0) unfinished.add(owner)
    if (lines.length > 0) writeFully(fd, concat(lines))
  }

  const unattributed = (fd, chunk, encoding) =>
    turn.store === undefined ? writeFully(fd, chunk, encoding) : attributed(fd, chunk, encoding)
  const write = storage === undefined ? unattributed : attributed
  defineStream('stdout', () => outputStream(1, write))
  defineStream('stderr', () => outputStream(2, write))
  defineStream('stdin', () => require('stream').Readable.from([]))

  function finish(store) {
    unfinished.delete(store)
    for (const fd of [1, 2]) {
      if (store.open?.[fd]) {
        store.open[fd] = false
        writeFully(fd, '\n')
      }
      const held = store[fd]
      store[fd] = undefined
      if (held !== undefined) writeFully(fd, concat([bufferFrom(prefixOf(store)), held, bufferFrom('\n')]))
    }
  }

  // An action that ends the process has said its last words, newline or not.
  process.once('exit', () => {
    try {
      for (const owner of unfinished) finish(owner)
    } catch (error) {
      if (error.code !== 'EPIPE') throw error
    }
  })
  return { finish }
}

/** Nobody else writes lines in between: nothing has to be held back, only an open line remembered. */
function pass(owner, fd, chunk, encoding) {
  if (chunk.length === 0) return
  const last = chunk[chunk.length - 1]
  owner.open[fd] = last !== '\n' && last !== NEWLINE
  writeFully(fd, chunk, encoding)
}

function prefixOf({ id }) {
  return id === undefined ? '' : `${RECORD_SEPARATOR}${id} `
}

/** Made at first use: an action that prints nothing does not pay for streams. */
function defineStream(name, make) {
  let stream
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      stream ??= make()
      return stream
    },
    set(replacement) {
      stream = replacement
    },
  })
}

function outputStream(fd, write) {
  const { Writable } = require('stream')
  const stream = new Writable({
    decodeStrings: false,
    // As the real ones: a library that ends or destroys it must not silence the action.
    autoDestroy: false,
    emitClose: false,
    write(chunk, encoding, done) {
      try {
        write(fd, chunk, encoding)
      } catch (error) {
        // Nobody reads any more: the platform is gone, and the launcher's end is near.
        if (error.code !== 'EPIPE') return done(error)
      }
      done()
    },
  })
  stream.fd = fd
  stream.end = function end(chunk, encoding, done) {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') stream.write(chunk, encoding)
    const callback = [chunk, encoding, done].find((argument) => typeof argument === 'function')
    if (callback !== undefined) process.nextTick(callback)
    return stream
  }
  stream.destroy = () => stream
  return stream
}

module.exports = { installStreams }
