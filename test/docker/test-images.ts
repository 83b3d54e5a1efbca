/** Images with flaws, for the suites: made from the base image of the Node.js runtime by an entry point of their own. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

const BASE = 'stave/base-nodejs-v24:local'
/** Never listens. */
const SILENT = 'setInterval(() => undefined, 1000)'
const BROKEN = 'console.error("this image is broken"); process.exit(3)'
/** A runtime of a user's: it answers, prints what it likes, and knows no sentinels. */
const BLACKBOX = `
const http = require("http"); let runs = 0
http.createServer((req, res) => {
  req.resume().on("end", () => {
    if (req.url === "/run") { runs++; console.log("run", runs, "XXX in the text"); console.error("and on stderr") }
    const body = JSON.stringify(req.url === "/run" ? { runs } : { ok: true })
    res.writeHead(200, { "content-length": Buffer.byteLength(body) }).end(body)
  })
}).listen(8080)`

export const SILENT_IMAGE = 'stave-test/silent:1'
export const BROKEN_IMAGE = 'stave-test/broken:1'
export const BLACKBOX_IMAGE = 'stave-test/blackbox:1'
export const NO_COMMAND_IMAGE = 'stave-test/no-command:1'

/** Builds them on the engine at `DOCKER_HOST`. */
export function buildTestImages(): void {
  build(SILENT_IMAGE, ['node', '-e', SILENT])
  build(BROKEN_IMAGE, ['node', '-e', BROKEN])
  build(BLACKBOX_IMAGE, ['node', '-e', BLACKBOX])
  build(NO_COMMAND_IMAGE, ['/no/such/command'])
}

function build(tag: string, entryPoint: readonly string[]): void {
  const dockerfile = `FROM ${BASE}\nENTRYPOINT ${JSON.stringify(entryPoint.map((part) => part.trim().replaceAll('\n', ' ')))}\n`
  const { status, stderr } = spawnSync('docker', ['build', '--quiet', '--network', 'none', '--tag', tag, '-'], {
    input: dockerfile,
    encoding: 'utf8',
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  })
  assert.equal(status, 0, stderr)
}
