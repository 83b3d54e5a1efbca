'use strict'
/** Where an archive is written: refuses names that lead out of the directory and bounds what a small archive can grow to. */
const fs = require('fs')
const path = require('path')
const { InitFailure } = require('./init-failure.cjs')

const MAX_TOTAL_BYTES = 512 * 1024 * 1024
const MAX_ENTRIES = 100_000
/** PATH_MAX is 4096 with the directory in front; a longer name than this was not made by a packer in good faith. */
const MAX_PATH_LENGTH = 1024
const MAX_NAME_LENGTH = 255

/**
 * Returns the target for one archive. Methods throw InitFailure with a message for the user, or what the file system throws.
 * Symbolic links are made by `finish()`, after all files, so that nothing is ever written through one.
 */
function createUnpackTarget(root) {
  const made = new Set([''])
  const links = []
  let entries = 0
  let bytes = 0

  function admit(name) {
    entries++
    if (entries > MAX_ENTRIES) throw new InitFailure(`The action archive has more than ${MAX_ENTRIES} entries.`)
    if (name.length > MAX_PATH_LENGTH) {
      throw new InitFailure(
        `The action archive has a name of more than ${MAX_PATH_LENGTH} characters: '${name.slice(0, 60)}…'`,
      )
    }
    const parts = name.split('/').filter((part) => part !== '' && part !== '.')
    if (name.startsWith('/') || name.includes('\0') || parts.includes('..')) {
      throw new InitFailure(`The action archive has an entry that leads out of it: '${printable(name)}'`)
    }
    if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_LENGTH)) {
      throw new InitFailure(
        `The action archive has a file name of more than ${MAX_NAME_LENGTH} bytes: '${name.slice(0, 60)}…'`,
      )
    }
    return parts
  }

  function makeDirectory(parts) {
    const relative = parts.join('/')
    if (made.has(relative)) return
    makeDirectory(parts.slice(0, -1))
    try {
      fs.mkdirSync(path.join(root, relative))
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    made.add(relative)
  }

  function prepareFile(name) {
    const parts = admit(name)
    makeDirectory(parts.slice(0, -1))
    return path.join(root, ...parts)
  }

  return {
    /** Counts bytes that are about to be written; call it before they are there. */
    reserve(count) {
      bytes += count
      if (bytes > MAX_TOTAL_BYTES) {
        throw new InitFailure(
          `The action archive is too large: more than ${MAX_TOTAL_BYTES / 1024 / 1024} MB when uncompressed.`,
        )
      }
    },
    directory(name) {
      makeDirectory(admit(name))
    },
    /** Writes a whole file. `mode` is the archive's; only its permission bits count, and the owner can always read and write. */
    file(name, mode, content) {
      fs.writeFileSync(prepareFile(name), content, { mode: permissions(mode) })
    },
    /** Opens a file to be written in parts: the descriptor is the caller's to close. */
    open(name, mode) {
      return fs.openSync(prepareFile(name), 'w', permissions(mode))
    },
    /** Writes a file with the content of an earlier one: what an archive's hard link comes to. */
    copy(name, mode, earlier) {
      const content = fs.readFileSync(path.join(root, ...admit(earlier)))
      this.reserve(content.length)
      this.file(name, mode, content)
    },
    link(name, destination) {
      const parts = admit(name)
      const lands = path.posix.normalize(path.posix.join(...parts.slice(0, -1), destination))
      if (parts.length === 0 || path.posix.isAbsolute(destination) || lands === '..' || lands.startsWith('../')) {
        throw new InitFailure(
          `The action archive has a symbolic link that leads out of it: '${printable(name)}' -> '${printable(destination)}'`,
        )
      }
      makeDirectory(parts.slice(0, -1))
      links.push({ at: path.join(root, ...parts), destination })
    },
    finish() {
      for (const { at, destination } of links) {
        fs.rmSync(at, { force: true })
        fs.symlinkSync(destination, at)
      }
    },
  }
}

function permissions(mode) {
  return (mode & 0o777 & ~0o022) | 0o600
}

function printable(name) {
  return JSON.stringify(name.slice(0, 200)).slice(1, -1)
}

module.exports = { createUnpackTarget, MAX_TOTAL_BYTES }
