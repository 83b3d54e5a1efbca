'use strict'
/** `npm install` at init, for archives without node_modules where the operator allowed it (OW_ENABLE_INIT_INSTALL=true). */
const { spawn } = require('child_process')
const fs = require('fs')
const path = require('path')
const { InitFailure } = require('./init-failure.cjs')

/** Five minutes, the longest time limit of an action; the platform ends the container earlier where the action's own is shorter. */
const TIMEOUT_MS = 300_000
const MAX_OUTPUT = 4096

/** Installs the production dependencies of `directory`. Resolves with false where there is no npm; rejects with InitFailure and the end of its output when that fails. */
async function npmInstall(directory) {
  const npm = findNpm()
  if (npm === undefined) return false
  const child = spawn(process.execPath, [npm, 'install', '--omit=dev', '--no-audit', '--no-fund', '--no-progress'], {
    cwd: directory,
    env: { ...process.env, npm_config_cache: path.join(directory, '..', '.npm'), npm_config_update_notifier: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  })
  let output = ''
  const keep = (chunk) => {
    output = (output + chunk.toString('utf8')).slice(-MAX_OUTPUT)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve(status ?? signal))
  })
  if (code !== 0) throw new InitFailure(`npm install failed (${code}):\n${output}`)
  return true
}

/** npm's own script beside this interpreter or where distributions put it: it is run by this Node, not by whichever `env node` finds. */
function findNpm() {
  const prefix = path.resolve(process.execPath, '../..')
  return [
    path.join(prefix, 'lib/node_modules/npm/bin/npm-cli.js'),
    '/usr/lib/node_modules/npm/bin/npm-cli.js',
    '/usr/share/nodejs/npm/bin/npm-cli.js',
    '/usr/local/lib/node_modules/npm/bin/npm-cli.js',
  ].find((candidate) => fs.existsSync(candidate))
}

module.exports = { npmInstall }
