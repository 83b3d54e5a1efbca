'use strict'
/** Lines in on a pipe or socket, bytes out on a descriptor: what launcher and output streams need of the operating system, and no more. */
const { writeSync } = require('fs')
const { Socket } = require('net')

const NEWLINE = 10
/** One read. Small messages are decoded straight from this buffer; only longer ones are copied together. */
const READ_BYTES = 64 * 1024
/** An init carries up to 48 MB of code and base64; V8 cannot hold a string beyond 512 MB. */
const MAX_LINE_BYTES = 256 * 1024 * 1024

const { allocUnsafeSlow, from: bufferFrom } = Buffer
const pauseCell = new Int32Array(new SharedArrayBuffer(4))
const { wait } = Atomics

/**
 * Calls `onLine(text)` for each line (without its newline) that arrives on descriptor `fd`, and `onEnd()` when the other side has closed it.
 * Throws when a line exceeds 256 MB, which ends the process.
 */
function openChannel(fd, { onLine, onEnd }) {
  const buffer = allocUnsafeSlow(READ_BYTES)
  let pieces = []
  let held = 0

  function keep(start, end) {
    held += end - start
    if (held > MAX_LINE_BYTES) throw new Error(`a message of more than ${MAX_LINE_BYTES} bytes arrived`)
    const piece = allocUnsafeSlow(end - start)
    buffer.copy(piece, 0, start, end)
    pieces.push(piece)
  }

  /** The held pieces as text. Each piece is let go once it is copied: at 48 MB the copies count. */
  function join() {
    const whole = allocUnsafeSlow(held)
    const all = pieces
    pieces = []
    let at = 0
    held = 0
    for (let index = 0; index < all.length; index++) {
      all[index].copy(whole, at)
      at += all[index].length
      all[index] = undefined
    }
    return whole.toString('utf8')
  }

  function onData(count) {
    let start = 0
    for (;;) {
      const end = buffer.indexOf(NEWLINE, start)
      // Bytes behind `count` are left over from an earlier read.
      if (end === -1 || end >= count) break
      if (held === 0) onLine(buffer.toString('utf8', start, end))
      else {
        keep(start, end)
        onLine(join())
      }
      start = end + 1
    }
    if (start < count) keep(start, count)
    return true
  }

  const socket = new Socket({ fd, readable: true, writable: false, onread: { buffer, callback: onData } })
  socket.on('end', onEnd)
  socket.on('error', onEnd)
  socket.on('close', onEnd)
}

const scratch = allocUnsafeSlow(READ_BYTES)

/** Writes all of `chunk` (a string, or bytes) to `fd` before it returns, waiting for a slow reader; the platform's time limit bounds the wait. */
function writeFully(fd, chunk, encoding = 'utf8') {
  let bytes = chunk
  let end = chunk.length
  if (typeof chunk === 'string') {
    // A UTF-16 unit takes three bytes at most.
    if (encoding === 'utf8' && chunk.length * 3 <= READ_BYTES) {
      bytes = scratch
      end = scratch.write(chunk, 0, 'utf8')
    } else {
      bytes = bufferFrom(chunk, encoding)
      end = bytes.length
    }
  }
  let at = 0
  while (at < end) {
    try {
      at += writeSync(fd, bytes, at, end - at)
    } catch (error) {
      // A descriptor that somebody made non-blocking: its reader is slow, try again in a millisecond.
      if (error.code !== 'EAGAIN') throw error
      wait(pauseCell, 0, 0, 1)
    }
  }
}

module.exports = { openChannel, writeFully }
