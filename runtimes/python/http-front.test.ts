/** The HTTP front as a process of this machine, on every Python that is found; on an image: test/docker/images.test.ts. */

import { join } from 'node:path'
import { PYTHON_CODE } from '../../test/conformance/contract-code.ts'
import { describePythonRuntime } from '../../test/conformance/python-runtime.ts'
import { describeRuntimeContract } from '../../test/conformance/runtime-contract.ts'
import type { StartRuntime } from '../../test/conformance/runtime-subject.ts'
import { driveFront } from '../drive-front.ts'
import { everyPython } from './every-python.ts'

const FRONT = join(import.meta.dirname, 'http_front.py')
const pythons = await everyPython()

for (const { kind, launcher } of pythons) {
  const start: StartRuntime = (environment) => driveFront([launcher.interpreter, '-I', '-B', FRONT], environment)
  describeRuntimeContract(`http_front.py, ${kind}`, PYTHON_CODE, start)
  describePythonRuntime(`http_front.py, ${kind}`, start)
}
