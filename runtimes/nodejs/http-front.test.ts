/** The HTTP front as a process of this machine, on every Node.js of it; on an image: test/docker/images.test.ts. */

import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import platform from '../../package.json' with { type: 'json' }
import { NODEJS_CODE } from '../../test/conformance/contract-code.ts'
import { describeNodejsRuntime } from '../../test/conformance/nodejs-runtime.ts'
import { describeRuntimeContract } from '../../test/conformance/runtime-contract.ts'
import type { StartRuntime } from '../../test/conformance/runtime-subject.ts'
import { driveFront } from '../drive-front.ts'
import { nodeInterpreters } from './every-node.ts'
import image from './package.json' with { type: 'json' }

const FRONT = join(import.meta.dirname, 'http-front.cjs')
const MODULES = join(import.meta.dirname, '../../node_modules')

for (const interpreter of nodeInterpreters()) {
  const start: StartRuntime = (environment) => driveFront([interpreter, FRONT, MODULES], environment)
  describeRuntimeContract(`http-front.cjs (${interpreter})`, NODEJS_CODE, start)
  // What is not the front's doing is tested on every Node.js with the launcher.
  if (interpreter === realpathSync(process.execPath)) describeNodejsRuntime('http-front.cjs', start)
}

test('the image brings modules of the versions that containers without an image have', () => {
  const { openwhisk, yauzl } = platform.dependencies
  assert.deepEqual(image.dependencies, { openwhisk, yauzl })
})
