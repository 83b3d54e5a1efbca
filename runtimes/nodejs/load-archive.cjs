'use strict'
/** Zip or tar.gz to function, as OpenWhisk's runtime does it: unpacked into a fresh directory that becomes the working directory, then required. */
const fs = require('fs')
const path = require('path')
const { createRequire } = require('module')
const { pathToFileURL } = require('url')
const { InitFailure } = require('./init-failure.cjs')
const { addModules } = require('./modules.cjs')
const { createUnpackTarget } = require('./unpack-target.cjs')

const NEEDS_IMPORT = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE'])
const NOT_FOUND = new Set(['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'])

/**
 * Unpacks the archive `bytes` and resolves with what `main` names: `func` of the package itself, or `file.func`. Rejects with InitFailure, or with what the
 * code throws while it loads. ES modules are imported where `require` cannot load them.
 */
async function loadArchive(bytes, main, modules) {
  const names = /^(?:([^.]+)\.)?(.+)$/.exec(main)
  if (names === null) throw new InitFailure('Name of main function is not valid.')
  const [, file, entry] = names

  const directory = await unpack(bytes)
  process.chdir(directory)
  if (file === undefined && !fs.existsSync('package.json') && !fs.existsSync('index.js')) {
    throw new InitFailure('Zipped actions must contain either package.json or index.js at the root.')
  }
  const missing = missingDependencies(directory)
  const wanted = missing.length > 0 && process.env.OW_ENABLE_INIT_INSTALL === 'true'
  const withoutNpm = wanted && !(await require('./npm-install.cjs').npmInstall(directory))
  addModules(modules)
  try {
    const loaded = await load(directory, file)
    return entry.split('.').reduce((holder, name) => holder?.[name], loaded)
  } catch (error) {
    throw explained(error, missing, withoutNpm)
  }
}

/** By the first bytes, as upstream tells them apart; `1f8b` alone would do for gzip, its third byte has one value only. */
async function unpack(bytes) {
  const magic = bytes.subarray(0, 4).toString('hex')
  const isZip = magic === '504b0304'
  if (!isZip && !magic.startsWith('1f8b08')) {
    throw new InitFailure('There was an error uncompressing the action archive. The file type is unsupported')
  }
  const directory = fs.mkdtempSync(path.join(process.cwd(), 'action-'))
  try {
    const target = createUnpackTarget(directory)
    await (isZip
      ? require('./unpack-zip.cjs').unpackZip(bytes, target)
      : require('./unpack-tar.cjs').unpackTar(bytes, target))
    target.finish()
    return directory
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true })
    if (error instanceof InitFailure) throw error
    if (error?.code === 'ENOSPC') throw new InitFailure('The action archive does not fit on the disk of the container.')
    console.error('The action archive cannot be read:', error?.message ?? error)
    throw new InitFailure(`There was an error uncompressing the action ${isZip ? 'Zip' : 'tar.gz'} archive.`)
  }
}

async function load(directory, file) {
  const require = createRequire(path.join(directory, 'package.json'))
  const wanted = file === undefined ? directory : path.join(directory, file)
  const resolved = resolveModule(require, wanted)
  try {
    return require(resolved)
  } catch (error) {
    if (!NEEDS_IMPORT.has(error?.code)) throw error
    return import(pathToFileURL(resolved).href)
  }
}

/** `require.resolve` knows .js, .json and .node; an archive of ES modules may well have nothing but .mjs. */
function resolveModule(require, wanted) {
  try {
    return require.resolve(wanted)
  } catch (error) {
    for (const candidate of [`${wanted}.mjs`, `${wanted}.cjs`]) if (fs.existsSync(candidate)) return candidate
    throw error
  }
}

/** Names that package.json wants when the archive has no node_modules at all. */
function missingDependencies(directory) {
  if (fs.existsSync(path.join(directory, 'node_modules'))) return []
  let text
  try {
    text = fs.readFileSync(path.join(directory, 'package.json'), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
  let manifest
  try {
    manifest = JSON.parse(text)
  } catch (error) {
    throw new InitFailure(`The archive's package.json is not valid JSON: ${error.message}`)
  }
  return Object.keys(manifest?.dependencies ?? {})
}

/** Many archives list dependencies that a bundler has built in, so that they are only missed when the code asks for them. */
function explained(error, missing, withoutNpm) {
  if (missing.length === 0 || !NOT_FOUND.has(error?.code)) return error
  const name = missing.find((dependency) => String(error.message).includes(`'${dependency}`))
  if (name === undefined) return error
  return new InitFailure(
    `Cannot find module '${name}': package.json lists it, but the archive holds no node_modules directory. ` +
      `Run 'npm install' before you pack the archive, or bundle the code.` +
      (withoutNpm ? ' (OW_ENABLE_INIT_INSTALL is set, but npm is not in the container.)' : ''),
  )
}

module.exports = { loadArchive }
