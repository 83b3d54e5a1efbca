/** The engine that a file of Docker tests works on: one for the whole run, named by the environment that with-engine.ts makes. */

import type { PrivateEngine } from './private-engine.ts'
import { attachPrivateEngine } from './private-engine.ts'

const directory = process.env['TEST_DOCKER_ENGINE'] ?? ''

/** For `DOCKER_HOST`; empty where there is no engine. */
export const dockerHost = process.env['DOCKER_HOST'] ?? ''

/** For `{ skip }`: false, or why there is no engine to test on. */
export const skipWithoutEngine: string | false =
  dockerHost === '' && (process.env['TEST_DOCKER_MISSING'] ?? 'no engine: npm run test:docker starts one')

/** To kill and restart the engine; undefined where it is not the tests' own. */
export const privateEngine: PrivateEngine | undefined = directory === '' ? undefined : attachPrivateEngine(directory)

/** For `{ skip }` of tests that kill, restart or fill the engine. */
export const skipWithoutPrivateEngine: string | false =
  skipWithoutEngine !== false
    ? skipWithoutEngine
    : privateEngine === undefined && 'the engine at DOCKER_HOST is not these tests’ to kill: unset it'
