'use strict'
/**
 * Asks the platform beside it how it is: `node probe.cjs readyz` or `livez` ends with 0 where the answer is a yes, and prints the answer. For the image's health
 * check and for probes of Kubernetes, which cannot ask a unix socket. It is JavaScript that loads nothing, since it is started every few seconds.
 */
const { request } = require('http')
const path = require('path')

const TIMEOUT_MS = 4000
const [, , what = 'readyz'] = process.argv
const socketPath = path.join(process.env.STAVE_DATA_DIR ?? '/data', 'run/admin.sock')

const asked = request({ socketPath, path: `/${what}`, timeout: TIMEOUT_MS }, (response) => {
  response.pipe(process.stdout)
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
asked.on('error', (error) => {
  process.stderr.write(`${socketPath}: ${error.message}\n`)
  process.exitCode = 1
})
asked.end()
