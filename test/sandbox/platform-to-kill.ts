/**
 * A platform for leftovers.test.ts to kill: `node platform-to-kill.ts LEVEL DATADIR` starts one container that runs and has detached children,
 * one that is suspended, and one that is just being started, and says `ready`.
 */

import { systemClock } from '../../src/model/clock.ts'
import { deadlineIn } from '../../src/model/deadline.ts'
import { SANDBOX_LEVELS } from '../../src/containers/process/settings.ts'
import { openTestHost, run, startAction, testSpec } from './sandbox-kit.ts'

const [wanted = '', dataDir = ''] = process.argv.slice(2)
const sandbox = SANDBOX_LEVELS.find((level) => level === wanted) ?? 'none'
const { factory } = await openTestHost({ sandbox, maxConcurrentStarts: 4 }, dataDir)
const busy = await startAction(
  factory,
  `function main() { require('child_process').spawn('setsid', ['sleep', '64'], { detached: true, stdio: 'ignore' }).unref(); return {} }`,
)
await run(busy.container)
const suspended = await startAction(factory, 'function main() { return {} }')
await suspended.container.suspend()
factory.create(testSpec({ kind: 'test:silent' }), deadlineIn(60_000, systemClock)).catch(() => undefined)
setTimeout(() => process.stdout.write('ready\n'), 100)
