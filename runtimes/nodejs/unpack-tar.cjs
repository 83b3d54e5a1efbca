'use strict'
/** tar.gz archives: POSIX ustar with pax and GNU long names (IEEE Std 1003.1, pax Interchange Format), unpacked while they are inflated. */
const fs = require('fs')
const zlib = require('zlib')
const { Readable } = require('stream')

const BLOCK = 512
/** pax headers and long names are text of some hundred bytes. */
const MAX_META_BYTES = 64 * 1024
const INFLATE_BYTES = 256 * 1024

/** Writes every file, directory and symbolic link of `bytes` to `target`. Rejects with the target's errors, or with whatever is wrong with the archive. */
async function unpackTar(bytes, target) {
  const source = createReader(Readable.from([bytes]).pipe(zlib.createGunzip({ chunkSize: INFLATE_BYTES })))
  let next = {}
  const shared = {}
  for (;;) {
    const header = await source.take(BLOCK)
    // Two zero blocks end an archive; one, or the end of the data between two entries, is taken as the end too, as tar does.
    if (header === undefined || header.every((byte) => byte === 0)) return
    checkSum(header)
    const type = String.fromCharCode(header[156])
    const announced = number(header, 124, 12)
    const padding = (BLOCK - (announced % BLOCK)) % BLOCK

    if ('xgLK'.includes(type)) {
      if (announced > MAX_META_BYTES) throw new Error(`a header of ${announced} bytes`)
      const text = (await source.need(announced)).toString('utf8')
      await source.need(padding)
      if (type === 'x') Object.assign(next, paxRecords(text))
      else if (type === 'g') Object.assign(shared, paxRecords(text))
      else next[type === 'L' ? 'path' : 'linkpath'] = text.replace(/\0.*$/s, '')
      continue
    }
    const attributes = { ...shared, ...next }
    next = {}
    const size = attributes.size === undefined ? announced : Number(attributes.size)
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('an entry without a size')
    const name = attributes.path ?? nameOf(header)
    const mode = number(header, 100, 8)
    target.reserve(size)
    if (type === '5' || name.endsWith('/')) target.directory(name)
    else if (type === '2') target.link(name, attributes.linkpath ?? text(header, 157, 100))
    else if (type === '0' || type === '\0' || type === '7') {
      await copy(source, size, target.open(name, mode))
      await source.need((BLOCK - (size % BLOCK)) % BLOCK)
      continue
    } else if (type === '1') target.copy(name, mode, attributes.linkpath ?? text(header, 157, 100))
    // Devices, pipes and unknown types are nothing that code needs: passed over.
    await source.skip(size + ((BLOCK - (size % BLOCK)) % BLOCK))
  }
}

/** Pulls exact numbers of bytes from a stream of chunks. */
function createReader(stream) {
  const chunks = stream[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)

  async function more() {
    const { done, value } = await chunks.next()
    if (done) return false
    rest = rest.length === 0 ? value : Buffer.concat([rest, value])
    return true
  }
  async function take(count) {
    while (rest.length < count) if (!(await more())) return undefined
    const taken = rest.subarray(0, count)
    rest = rest.subarray(count)
    return taken
  }
  return {
    /** `count` bytes, or undefined when the stream ends before. */
    take,
    async need(count) {
      const taken = await take(count)
      if (taken === undefined) throw new Error('the archive ends in the middle of an entry')
      return taken
    },
    /** Some bytes, at most `count`. */
    async some(count) {
      if (rest.length === 0 && !(await more())) throw new Error('the archive ends in the middle of a file')
      return take(Math.min(count, rest.length))
    },
    async skip(count) {
      for (let left = count; left > 0;) left -= (await this.some(left)).length
    },
  }
}

async function copy(source, size, fd) {
  try {
    for (let left = size; left > 0;) {
      const chunk = await source.some(left)
      for (let at = 0; at < chunk.length;) at += fs.writeSync(fd, chunk, at)
      left -= chunk.length
    }
  } finally {
    fs.closeSync(fd)
  }
}

function text(block, start, length) {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? length : end)
}

function nameOf(header) {
  const prefix = text(header, 257, 5) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : ''
  const name = text(header, 0, 100)
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function number(block, start, length) {
  if (block[start] & 0x80) {
    let value = block[start] & 0x7f
    for (let index = start + 1; index < start + length; index++) value = value * 256 + block[index]
    return value
  }
  const digits = text(block, start, length).trim()
  if (!/^[0-7]*$/.test(digits)) throw new Error('a header with a number that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** The sum of the header's bytes, its own field taken as spaces: tells a tar archive from other data. */
function checkSum(header) {
  let sum = 8 * 0x20
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index]
  if (sum !== number(header, 148, 8)) throw new Error('not a tar archive, or a damaged one (header checksum)')
}

/** Records of `LENGTH KEY=VALUE\n`, the length in bytes and including itself. */
function paxRecords(text) {
  const records = {}
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const length = Number.parseInt(rest.toString('latin1', 0, 10), 10)
    if (!(length > 0 && length <= rest.length)) throw new Error('a damaged pax header')
    const [, key, value] = /^\d+ ([^=]+)=(.*)\n$/s.exec(rest.toString('utf8', 0, length)) ?? []
    if (key === 'path' || key === 'linkpath' || key === 'size') records[key] = value
    rest = rest.subarray(length)
  }
  return records
}

module.exports = { unpackTar }
