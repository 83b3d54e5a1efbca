'use strict'
/**
 * Lays out what an image has beside the interpreter, for the Dockerfile: `node image-files.cjs OUT` writes the runtime to OUT/stave/nodejs and the modules that
 * actions may require to OUT/node_modules, readable by every user. Modules that are not in the build's context are fetched by npm.
 */
const { spawnSync } = require('child_process')
const fs = require('fs')
const path = require('path')

/** Part of the source that no container needs. */
const LEFT_OUT = new Set(['image-files.cjs', 'launcher.cjs'])

function layOut(out) {
  const runtime = path.join(out, 'stave/nodejs')
  fs.mkdirSync(runtime, { recursive: true })
  for (const name of fs.readdirSync(__dirname)) {
    if (name.endsWith('.cjs') && !LEFT_OUT.has(name))
      fs.copyFileSync(path.join(__dirname, name), path.join(runtime, name))
  }
  if (!fs.existsSync(path.join(__dirname, 'node_modules'))) install()
  fs.cpSync(path.join(__dirname, 'node_modules'), path.join(out, 'node_modules'), { recursive: true })
  makeReadable(out)
}

function install() {
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: __dirname, stdio: 'inherit' })
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
