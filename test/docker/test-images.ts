/** The images that only tests need, built on the local base image: names, and `node test/docker/test-images.ts`, which builds them on DOCKER_HOST. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE = process.versions.node.split('.')[0] ?? ''
const BASE = `stave/base-nodejs-v${NODE}:local`

/** Our Node.js runtime as an image. */
export const NODEJS_IMAGE = `stave/action-nodejs-v${NODE}:local`

export const TEST_IMAGES = {
  /** A user's image that works: images/blackbox/server.cjs says what its runs can be asked for. */
  blackbox: 'stave-test/blackbox:local',
  neverListens: 'stave-test/never-listens:local',
  exitsAtOnce: 'stave-test/exits-at-once:local',
  noCommand: 'stave-test/no-command:local',
  /** The Node.js runtime with a module `derived-package`. */
  derived: 'stave-test/derived:local',
} as const

function build(): void {
  for (const name of Object.values(TEST_IMAGES)) {
    const directory = name.replace(/^.*\/(.*):local$/, '$1')
    const { status, stderr } = spawnSync(
      'docker',
      [
        ...['build', '--quiet', '--tag', name, '--build-arg', `BASE=${BASE}`, '--build-arg', `RUNTIME=${NODEJS_IMAGE}`],
        join(import.meta.dirname, 'images', directory),
      ],
      { encoding: 'utf8', env: { ...process.env, DOCKER_BUILDKIT: '0' } },
    )
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build()
