'use strict'
/** Zip archives by yauzl, which checks the structure; sizes and names are checked by the target. */
const fs = require('fs')
const zlib = require('zlib')
const { promisify } = require('util')
const yauzl = require('yauzl')

// Node 18 has none of its own.
const crc32 = zlib.crc32 ?? require('yauzl/crc32')

const TYPE_MASK = 0o170000
const SYMLINK = 0o120000
const DIRECTORY = 0o040000
const MADE_BY_UNIX = 3
/** Entries up to this size are inflated in one call: two thousand files of node_modules in a fraction of the time that streams take. */
const SMALL_ENTRY = 8 * 1024 * 1024
/** A link's content is a path. */
const MAX_LINK_BYTES = 4096
const STORED = 0
const DEFLATED = 8

/** Writes every entry of `bytes` to `target`. Rejects with the target's errors, or with whatever is wrong with the archive. */
async function unpackZip(bytes, target) {
  const zip = await yauzl.fromBufferPromise(bytes, { decodeStrings: false })
  const readStart = promisify((entry, done) => zip.readLocalFileHeader(entry, { minimal: true }, done))
  const openStream = promisify((entry, done) => zip.openReadStream(entry, {}, done))

  for await (const entry of entriesOf(zip)) {
    const name = yauzl.getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, false)
    const mode = entry.versionMadeBy >>> 8 === MADE_BY_UNIX ? entry.externalFileAttributes >>> 16 : 0
    if (name.endsWith('/') || (mode & TYPE_MASK) === DIRECTORY) {
      target.directory(name)
      continue
    }
    if (entry.generalPurposeBitFlag & 1) throw new Error(`'${name}' is encrypted`)
    const isLink = (mode & TYPE_MASK) === SYMLINK
    if (isLink && entry.uncompressedSize > MAX_LINK_BYTES) throw new Error(`symbolic link '${name}' is too long`)
    target.reserve(entry.uncompressedSize)
    if (entry.uncompressedSize > SMALL_ENTRY) {
      await writeStream(await openStream(entry), target.open(name, mode || 0o644))
      continue
    }
    const { fileDataStart } = await readStart(entry)
    const content = inflate(entry, name, bytes.subarray(fileDataStart, fileDataStart + entry.compressedSize))
    if (isLink) target.link(name, content.toString('utf8'))
    else target.file(name, mode || 0o644, content)
  }
}

/** yauzl tells of entries by events, one for each `readEntry()`. */
async function* entriesOf(zip) {
  for (;;) {
    const entry = await new Promise((resolve, reject) => {
      zip.once('entry', resolve).once('end', resolve).once('error', reject)
      zip.readEntry()
    })
    zip.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error')
    if (entry === undefined) return
    yield entry
  }
}

function inflate(entry, name, data) {
  const { compressionMethod, uncompressedSize } = entry
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    throw new Error(`'${name}' is compressed by method ${compressionMethod}, which is not supported`)
  }
  // Even nothing has a deflated form, of two bytes.
  const content =
    compressionMethod === STORED || uncompressedSize === 0
      ? data.subarray(0, uncompressedSize)
      : // One byte more than announced is already a lie, and must not be inflated further.
        zlib.inflateRawSync(data, { maxOutputLength: uncompressedSize })
  if (content.length !== uncompressedSize) throw new Error(`'${name}' has not the size that the archive states`)
  if (crc32(content) !== entry.crc32) throw new Error(`'${name}' is damaged (CRC)`)
  return content
}

/** yauzl's stream ends with an error when it yields more or less than the entry's stated size. */
async function writeStream(stream, fd) {
  try {
    for await (const chunk of stream) {
      for (let at = 0; at < chunk.length;) at += fs.writeSync(fd, chunk, at)
    }
  } finally {
    fs.closeSync(fd)
  }
}

module.exports = { unpackZip }
