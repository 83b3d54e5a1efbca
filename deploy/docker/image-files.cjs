'use strict'
/**
 * Lays out what the platform's image has beside Node.js, for the Dockerfile: `node image-files.cjs OUT` writes the platform to OUT/stave, readable by every
 * user, and its empty data directory to OUT/volumes/data. Packages that are not in the build's context are fetched by npm.
 */
const { spawnSync } = require('child_process')
const fs = require('fs')
const path = require('path')

const SOURCE = path.join(__dirname, '../..')
const PARTS = ['LICENSE', 'package.json', 'bin', 'src', 'runtimes', 'system-packages', 'deploy/docker/probe.cjs']
/** Tests, what images are made with, and of packages what is for compilers, debuggers and readers. */
const LEFT_OUT = /\.test\.[cm]?[jt]s$|\/(?:Dockerfile|image-files\.cjs|build-local-images\.ts|local-base\.ts)$/
const LEFT_OUT_OF_PACKAGES =
  /\.(?:map|[cm]?ts|md)$|\.test\.[cm]?js$|\/node_modules\/(?:\.[^/]+|(?:@[^/]+\/)?[^/]+\/(?:tests?|bench\w*|examples?|docs|\..*))$/
const DATA_MODE = 0o770

function layOut(out) {
  const platform = path.join(out, 'stave')
  for (const part of PARTS) copy(path.join(SOURCE, part), path.join(platform, part), LEFT_OUT)
  const packages = path.join(SOURCE, 'node_modules')
  if (!fs.existsSync(packages)) install()
  copy(packages, path.join(platform, 'node_modules'), LEFT_OUT_OF_PACKAGES)
  makeReadable(platform)
  const data = path.join(out, 'volumes/data')
  fs.mkdirSync(data, { recursive: true })
  // Not subject to the umask.
  fs.chmodSync(data, DATA_MODE)
}

function copy(from, to, leftOut) {
  const filter = (source) => source === from || !leftOut.test(source)
  fs.cpSync(from, to, { recursive: true, filter })
}

/** Without the optional packages: those are Node.js itself, which the base has. */
function install() {
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'],
    { cwd: SOURCE, stdio: 'inherit' },
  )
  if (status !== 0) throw error ?? new Error(`npm ci ended with ${status}`)
}

/** Whatever the umask of the one who builds is. */
function makeReadable(at) {
  const stat = fs.lstatSync(at)
  if (stat.isSymbolicLink()) return
  fs.chmodSync(at, stat.isDirectory() ? 0o755 : 0o644 | (stat.mode & 0o111))
  if (stat.isDirectory()) for (const name of fs.readdirSync(at)) makeReadable(path.join(at, name))
}

layOut(process.argv[2])
