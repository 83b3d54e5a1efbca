'use strict'
/** Lines in on a pipe or socket, bytes out on a descriptor: what launcher and output streams need of the operating system, and no more. */
const { writeSync } = require('fs')
const { Socket } = require('net')
const { collectGarbage } = require('./garbage-collection.cjs')

const NEWLINE = 10
/** One read. Small messages are decoded straight from this buffer; only longer ones are copied together. */
const READ_BYTES = 64 * 1024
/** An init carries up to 48 MB of code and base64; V8 cannot hold a string beyond 512 MB. */
const MAX_LINE_BYTES = 256 * 1024 * 1024

const FIRST_LINE_BYTES = 256 * 1024
const LARGE_LINE_BYTES = 8 * 1024 * 1024

const { allocUnsafeSlow, from: bufferFrom } = Buffer
const pauseCell = new Int32Array(new SharedArrayBuffer(4))
const { wait } = Atomics

/**
 * Calls `onLine(text)` for each line (without its newline) that arrives on descriptor `fd`, and `onEnd()` when the other side has closed it.
 * Throws when a line exceeds 256 MB, which ends the process.
 */
function openChannel(fd, { onLine, onEnd }) {
  const buffer = allocUnsafeSlow(READ_BYTES)
  /** The beginning of a line that did not fit one read; undefined between lines. */
  let line
  let held = 0

  function keep(start, end) {
    const needed = held + end - start
    if (needed > MAX_LINE_BYTES) throw new Error(`a message of more than ${MAX_LINE_BYTES} bytes arrived`)
    if (line === undefined || needed > line.length) {
      // One buffer that doubles: many pieces would leave the C heap full of holes that an idle process never gives back.
      const larger = allocUnsafeSlow(Math.max(FIRST_LINE_BYTES, needed * 2))
      if (line !== undefined) line.copy(larger, 0, 0, held)
      line = larger
      if (needed > LARGE_LINE_BYTES) collectGarbage()
    }
    buffer.copy(line, held, start, end)
    held = needed
  }

  function takeLine() {
    const isLarge = held > LARGE_LINE_BYTES
    const text = line.toString('utf8', 0, held)
    line = undefined
    held = 0
    // Bytes and text of a 48 MB line together are near an action's usual memory; the bytes would wait for the next collection.
    if (isLarge) collectGarbage()
    return text
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
        onLine(takeLine())
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
