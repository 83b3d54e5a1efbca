/** The HTTP front as a process of this machine, on the Node.js that runs the tests; on images: test/docker/images.test.ts. */

import { join } from 'node:path'
import { NODEJS_CODE } from '../../test/conformance/contract-code.ts'
import { describeNodejsRuntime } from '../../test/conformance/nodejs-runtime.ts'
import { describeRuntimeContract } from '../../test/conformance/runtime-contract.ts'
import type { StartRuntime } from '../../test/conformance/runtime-subject.ts'
import { driveFront } from '../drive-front.ts'

const FRONT = join(import.meta.dirname, 'http-front.cjs')
const MODULES = join(import.meta.dirname, '../../node_modules')

const start: StartRuntime = (environment) => driveFront([process.execPath, FRONT, MODULES], environment)

describeRuntimeContract('http-front.cjs', NODEJS_CODE, start)
describeNodejsRuntime('http-front.cjs', start)
