/** What the Python runtime has to do beyond the contract that all share: archives, virtualenvs, exceptions and processes that end themselves. */

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { source, zipped } from '../../runtimes/python/drive-launcher.ts'
import type { StartRuntime } from './runtime-subject.ts'
import { checkerFor, errorOf, init, initText, printed, run } from './runtime-subject.ts'

export function describePythonRuntime(name: string, start: StartRuntime): void {
  const check = checkerFor(start)

  describe(`${name}: Python`, { concurrency: 2 }, () => {
    check(
      'runtimes 1.10: an exception is an application error, its traceback in the log, and the container goes on',
      async (on) => {
        await initText(on, 'def main(args):\n  raise ValueError("no" + args.get("what", ""))\n')
        assert.deepEqual((await run(on, { what: ' way' })).body, { error: 'no way' })
        const again = await run(on, {})
        assert.deepEqual([again.status, again.body], [200, { error: 'no' }])
        const { stderr } = await printed(on, 2)
        assert.match(stderr, /^Traceback [^]*ValueError: no way\nTraceback [^]*ValueError: no\n$/)
        assert.ok(!stderr.includes('/stave/') && !stderr.includes('http_front'), stderr)
      },
    )

    for (const [what, code] of [
      ['sys.exit', 'import sys\ndef main(args):\n  print("bye")\n  sys.exit(3)\n'],
      ['os._exit', 'import os\ndef main(args):\n  print("bye")\n  os._exit(3)\n'],
    ] as const) {
      check(`runtimes 1.9: a run that ends by ${what} is answered: 400 command exited`, async (on) => {
        await initText(on, code)
        const answer = await run(on, {})
        assert.deepEqual([answer.status, answer.body], [400, { error: 'command exited' }])
        assert.equal((await printed(on, 1)).stdout, 'bye\n')
      })
      check(`runtimes 1.9: an init that ends by ${what} is answered: 502`, async (on) => {
        const answer = await init(on, { code: `${code}main({})\n` })
        assert.deepEqual([answer.status, errorOf(answer)], [502, 'Cannot start action. Check logs for details.'])
        const { stdout, stderr } = await printed(on, 1)
        assert.equal(stdout, 'bye\n')
        assert.match(stderr, /Command exited abruptly during initialization\.\n$/)
      })
    }

    check('runtimes 1.10: a zip with modules of its own', async (on) => {
      const files = {
        '__main__.py': 'from helper import main\n',
        'helper.py': 'def main(args):\n  return {"from": "helper"}\n',
      }
      assert.equal((await init(on, await zipped(files))).status, 200)
      assert.deepEqual((await run(on, {})).body, { from: 'helper' })
    })

    check('runtimes 1.10: a zip with a virtualenv', async (on) => {
      const files = {
        '__main__.py': 'import tested\ndef main(args):\n  return {"value": tested.value}\n',
        'virtualenv/bin/activate_this.py':
          'import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))\n',
        'virtualenv/lib/tested.py': 'value = 42\n',
      }
      assert.equal((await init(on, await zipped(files))).status, 200)
      assert.deepEqual((await run(on, {})).body, { value: 42 })
    })

    check('runtimes 1.10: a zip without a main module says so in the log', async (on) => {
      const answer = await init(on, await zipped({ 'other.py': '' }))
      assert.deepEqual(
        [answer.status, errorOf(answer)],
        [502, 'The action failed to generate or locate a binary. See logs for details.'],
      )
      assert.match((await printed(on, 1)).stderr, /Zip file does not include main__/)
    })

    check('runtimes 1.9: code that is no base64', async (on) => {
      const answer = await init(on, source('abc', { binary: true }))
      assert.equal(answer.status, 400)
      assert.match(errorOf(answer), /^cannot decode the request: /)
    })

    check('modules of the runtime’s own files are out of the way', async (on) => {
      const files = {
        '__main__.py':
          'import action_code, http_requests\ndef main(args):\n  return {"a": action_code.MINE, "b": http_requests.MINE}\n',
        'action_code.py': 'MINE = 1\n',
        'http_requests.py': 'MINE = 2\n',
      }
      assert.equal((await init(on, await zipped(files))).status, 200)
      assert.deepEqual((await run(on, {})).body, { a: 1, b: 2 })
    })

    check('a run that writes to the descriptors itself, or forks, never counts as silent', async (on) => {
      await initText(on, 'import os\ndef main(args):\n  if args: os.write(1, b"direct\\n")\n  return {}\n')
      assert.equal((await run(on, {})).headers['x-stave-output'], 'none')
      assert.equal((await run(on, { a: 1 })).headers['x-stave-output'], undefined)
      assert.equal((await run(on, {})).headers['x-stave-output'], undefined)
      assert.equal((await printed(on, 3)).stdout, 'direct\n')
    })
  })
}
