/** The launcher against OpenWhisk's contract, on every Python of the machine: the canonical runtime test set and what is Python's own. */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parseActivationId } from '../../src/model/ids.ts'
import type { DrivenLauncher } from './drive-launcher.ts'
import { ACTIVATION, driveLauncher, source, zipped } from './drive-launcher.ts'
import { everyPython } from './every-python.ts'

const pythons = await everyPython()

const ECHO = 'def main(args):\n  return args\n'
const COMPILE_FAILED = 'The action failed to generate or locate a binary. See logs for details.'
const START_FAILED = 'Cannot start action. Check logs for details.'

/** Every Python as the platform starts it, and one as a platform does that sends one run at a time. */
const subjects = [
  ...pythons.map(({ kind, launcher }) => ({ kind, launcher, pipelined: true })),
  ...pythons.slice(0, 1).map(({ kind, launcher }) => ({ kind, launcher, pipelined: false })),
]

for (const { kind, launcher, pipelined } of subjects) {
  describe(`${kind} (${launcher.version})${pipelined ? '' : ', one run at a time'}`, { concurrency: 2 }, () => {
    const started: DrivenLauncher[] = []
    const start = async (environment: Readonly<Record<string, string>> = {}): Promise<DrivenLauncher> => {
      const driven = await driveLauncher(launcher.interpreter, environment, pipelined)
      started.push(driven)
      return driven
    }
    after(() => Promise.all(started.map((driven) => driven.end())))
    const failed = (status: number, error: string): unknown => ({ status, body: { error } })
    const OK = { status: 200, body: { ok: true, ...(pipelined && { pipelined }) } }

    test('init without code or value: 403 Missing main/no code to execute., and another init may follow', async () => {
      const python = await start()
      assert.deepEqual(await python.init(source('')), failed(403, 'Missing main/no code to execute.'))
      assert.deepEqual(await python.send('{}'), failed(403, 'Missing main/no code to execute.'))
      assert.deepEqual(await python.send('{"value":{}}'), failed(403, 'Missing main/no code to execute.'))
      assert.deepEqual(await python.init(source(ECHO)), OK)
    })

    test('a run before any init: 500 no action defined yet', async () => {
      const python = await start()
      assert.deepEqual(await python.run({}), failed(500, 'no action defined yet'))
    })

    test('a line that is no JSON: 400, and the launcher goes on', async () => {
      const python = await start()
      const answer = await python.send('{"value":')
      assert.ok(answer !== 'lost' && answer.status === 400)
      assert.match(JSON.stringify(answer.body), /Error unmarshaling request: /)
      assert.deepEqual(await python.init(source(ECHO)), OK)
      const deep = await python.send(`{"value":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)
      assert.ok(deep !== 'lost')
      assert.deepEqual(await python.run({ a: 1 }), { status: 200, body: { a: 1 } })
    })

    test('a result that is no dictionary, value missing from the run: 502', async () => {
      for (const expression of ['"not a json object"', '1', 'None', 'True']) {
        const python = await start()
        await python.init(source(`def main(args):\n  return ${expression}`))
        assert.deepEqual(await python.send('{}'), failed(502, 'The action did not return a dictionary or array.'))
      }
    })

    test('a second init: 403, and the same text in the log', async () => {
      const python = await start()
      await python.init(source(ECHO))
      const text = 'Cannot initialize the action more than once.'
      assert.deepEqual(await python.init(source(ECHO)), failed(403, text))
      assert.equal(python.printed().stderr, `${text}\n`)
      assert.deepEqual(await python.run({ still: 'there' }), { status: 200, body: { still: 'there' } })
    })

    test('an entry point other than main, a dotted one too', async () => {
      const python = await start()
      assert.deepEqual(await python.init(source('def niam(args):\n  return args', { main: 'niam' })), OK)
      assert.deepEqual(await python.run({ a: 'b' }), { status: 200, body: { a: 'b' } })
      const nested = await start()
      await nested.init(source('class A:\n  @staticmethod\n  def b(args): return {"n": 1}', { main: 'A.b' }))
      assert.deepEqual(await nested.run({}), { status: 200, body: { n: 1 } })
    })

    test('echo of string, unicode, numbers and nested objects, with output on both streams before each answer', async () => {
      const python = await start()
      await python.init(
        source(
          "import sys\ndef main(args):\n  print('hello stdout')\n  print('hello stderr', file=sys.stderr)\n  return args",
        ),
      )
      const values = [
        { string: 'hello' },
        { string: '❄ ☃ ❄ \u2028' },
        { numbers: [42, -1.5, 1e300, 12345678901234] },
        { object: { nested: { deep: [null, true, { a: '' }] } } },
        [1, 'two', { three: 3 }],
        [],
      ]
      for (const [index, value] of values.entries()) {
        assert.deepEqual(await python.run(value), { status: 200, body: value })
        assert.deepEqual(python.printed(), {
          stdout: 'hello stdout\n'.repeat(index + 1),
          stderr: 'hello stderr\n'.repeat(index + 1),
        })
      }
    })

    test('unicode in source, arguments, logs and result, in a locale that knows nothing of it', async () => {
      const python = await start({ LANG: 'C', LC_ALL: 'POSIX' })
      await python.init(
        source(
          '# encoding: utf-8\ndef main(args):\n  sep = args["delimiter"]\n  s = sep + " ☃ " + sep\n  print(s)\n  return {"winter": s}',
        ),
      )
      assert.deepEqual(await python.run({ delimiter: '❄' }), { status: 200, body: { winter: '❄ ☃ ❄' } })
      assert.equal(python.printed().stdout, '❄ ☃ ❄\n')
    })

    test('lone surrogates come back escaped', async () => {
      const python = await start()
      await python.init(source('def main(args):\n  return {"s": "\\ud800"}'))
      assert.deepEqual(await python.run({}), { status: 200, body: { s: '\ud800' } })
      await python.send('{"value":{"s":"\\ud83d"}}')
    })

    test('init environment is there while the code loads, empty strings preserved, other values as JSON', async () => {
      const python = await start()
      const code =
        'import os\nsome = os.environ["SOME_VAR"]\nanother = os.environ["ANOTHER_VAR"]\ndef main(d):\n  return {"s": some, "a": another, "o": os.environ["OBJ"]}'
      await python.init(source(code, { env: { SOME_VAR: 'xyz', ANOTHER_VAR: '', OBJ: { a: 1 }, 'bad=name': 'x' } }))
      assert.deepEqual(await python.run({}), { status: 200, body: { s: 'xyz', a: '', o: '{"a":1}' } })
      assert.match(python.printed().stderr, /'bad=name' was not set/)
    })

    test('__OW_* context: api_host from the container, the rest from each run', async () => {
      const python = await start({ __OW_API_HOST: 'http://xyz' })
      const names = ['API_HOST', 'API_KEY', 'NAMESPACE', 'ACTION_NAME', 'ACTION_VERSION', 'ACTIVATION_ID', 'DEADLINE']
      await python.init(
        source(`import os\ndef main(d):\n  return {k: os.environ["__OW_" + k] for k in ${JSON.stringify(names)}}`),
      )
      for (const id of ['a'.repeat(32), 'b'.repeat(32)]) {
        const context = {
          api_key: 'u:k',
          namespace: 'guest',
          action_name: '/guest/p/a',
          action_version: '0.0.1',
          activation_id: id,
          deadline: '1700000000000',
          number: 7,
        }
        assert.deepEqual(await python.run({}, context), {
          status: 200,
          body: {
            API_HOST: 'http://xyz',
            API_KEY: 'u:k',
            NAMESPACE: 'guest',
            ACTION_NAME: '/guest/p/a',
            ACTION_VERSION: '0.0.1',
            ACTIVATION_ID: id,
            DEADLINE: '1700000000000',
          },
        })
      }
    })

    test('echo of 1 MB, then of 16 MB', async () => {
      const python = await start()
      await python.init(source(ECHO))
      for (const size of [1024 * 1024, 16 * 1024 * 1024]) {
        const value = { a: 'x'.repeat(size) }
        assert.deepEqual(await python.run(value), { status: 200, body: value })
      }
    })

    test(
      'runs sent ahead of their turn are answered in order, each with its own lines',
      { skip: !pipelined && 'this launcher was told not to take runs ahead of their turn' },
      async () => {
        const python = await start()
        await python.init(
          source(
            'import sys\ndef main(a):\n  print("run", a["n"], end=a["end"])\n  if a["n"] % 3 == 0: print("three", a["n"], file=sys.stderr)\n  sys.stdout.flush()\n  return a',
          ),
        )
        const ids = Array.from({ length: 9 }, (_, index) => parseActivationId(String(index).repeat(32)))
        const answers = await Promise.all(
          ids.map((id, n) => python.run({ n, end: n === 4 ? '' : '\n' }, { activation_id: id })),
        )
        assert.deepEqual(
          answers,
          ids.map((_, n) => ({ status: 200, body: { n, end: n === 4 ? '' : '\n' } })),
        )
        for (const [n, id] of ids.entries()) {
          assert.equal(python.printed(id).stdout, `run ${n}\n`)
          assert.equal(python.printed(id).stderr, n % 3 === 0 ? `three ${n}\n` : '')
        }
        assert.equal(python.printed(ACTIVATION).stdout, '')
      },
    )

    test(
      'S4-72: each answer says what the run took, without what it waited for others',
      { skip: !pipelined && 'this launcher was told not to take runs ahead of their turn' },
      async () => {
        const python = await start()
        await python.init(source('import time\ndef main(a):\n  time.sleep(a["s"])\n  return {}'))
        await Promise.all([0.2, 0, 0.2, 0].map((s) => python.run({ s })))
        const [slow = 0, fast = Infinity, ...more] = python.times
        assert.equal(more.length, 2, 'an init says nothing of it')
        assert.ok(slow >= 199, `${slow} ms`)
        assert.ok(fast < slow / 2, `${fast} ms`)
      },
    )

    test('output in many forms: bytes, descriptors, long lines, partial lines, after the run', async () => {
      const python = await start()
      await python.init(
        source(
          [
            'import os, subprocess, sys',
            'def main(a):',
            '  sys.stdout.buffer.write(b"bytes \\xff\\n")',
            '  sys.stdout.writelines(["one\\n", "two\\n"])',
            '  sys.stdout.flush()',
            '  os.write(sys.stdout.fileno(), b"raw\\n")',
            '  subprocess.run(["echo", "child"], check=True)',
            '  print("x" * 300000)',
            '  print("", end="")',
            '  return {"tty": sys.stdout.isatty(), "encoding": sys.stdout.encoding}',
          ].join('\n'),
        ),
      )
      assert.deepEqual(await python.run({}), { status: 200, body: { tty: false, encoding: 'utf-8' } })
      assert.equal(python.printed().stdout, `bytes \ufffd\none\ntwo\nraw\nchild\n${'x'.repeat(300_000)}\n`)
    })

    test('S4-2: an exception is an application error, its traceback without frames of the launcher', async () => {
      const python = await start()
      await python.init(source('def div(x, y):\n  return x/y\ndef main(d):\n  return {"r": div(5, 0)}'))
      assert.deepEqual(await python.run({}), { status: 200, body: { error: 'division by zero' } })
      const { stderr } = python.printed()
      assert.match(stderr, /^Traceback \(most recent call last\):\n {2}File ".*main__\.py", line 4, in main\n/)
      assert.match(stderr, /ZeroDivisionError: division by zero\n$/)
      assert.doesNotMatch(stderr, /launcher/)
    })

    test('a returned error is passed on, an exception whose text fails has its name', async () => {
      const python = await start()
      await python.init(
        source(
          'class E(Exception):\n  def __str__(self): raise ValueError()\ndef main(a):\n  if a: raise E()\n  return {"error": "sorry"}',
        ),
      )
      assert.deepEqual(await python.run({}), { status: 200, body: { error: 'sorry' } })
      assert.deepEqual(await python.run({ a: 1 }), { status: 200, body: { error: 'E' } })
    })

    test('bad source: 502, the syntax error in the log', async () => {
      const python = await start()
      assert.deepEqual(await python.init(source('x = = 2\n')), failed(502, COMPILE_FAILED))
      const { stdout, stderr } = python.printed()
      assert.equal(stdout, '')
      assert.match(stderr, /main__\.py", line 1\n/)
      assert.match(stderr, /SyntaxError: invalid syntax\n$/)
      assert.doesNotMatch(stderr, /launcher/)
      // Base64-looking text counts as binary; what it decodes to is no source.
      const other = await start()
      assert.deepEqual(await other.init(source('abcd', { binary: true })), failed(502, COMPILE_FAILED))
      assert.deepEqual(await python.init(source('\0'.repeat(4))), failed(502, COMPILE_FAILED))
    })

    test('code that fails while it loads: 502, runs after that 500', async () => {
      const python = await start()
      assert.deepEqual(
        await python.init(source('import iamnotsupported\ndef main(a): pass')),
        failed(502, START_FAILED),
      )
      assert.match(python.printed().stderr, /^Traceback[^]*No module named 'iamnotsupported'/)
      assert.match(python.printed().stderr, /\nCommand exited abruptly during initialization\.\n$/)
      assert.deepEqual(await python.run({}), failed(500, 'command exited'))
    })

    test('no function of that name: 502, as the import of it fails', async () => {
      const python = await start()
      assert.deepEqual(await python.init(source('def niam(a): pass')), failed(502, START_FAILED))
      assert.match(python.printed().stderr, /ImportError: cannot import name 'main' from 'main__'/)
    })

    test('sys.exit while loading: 502; in a run: 400 command exited and the end', async () => {
      const python = await start()
      assert.deepEqual(
        await python.init(source('import sys\nsys.exit(1)\ndef main(a): pass')),
        failed(502, START_FAILED),
      )
      assert.equal(python.printed().stderr, 'Command exited abruptly during initialization.\n')
      const other = await start()
      await other.init(source('import sys\ndef main(args):\n  sys.exit(3)'))
      assert.deepEqual(await other.run({}), failed(400, 'command exited'))
      assert.deepEqual(other.printed(), { stdout: '', stderr: '' })
      assert.deepEqual(await other.end(), { code: 3 })
    })

    test('os._exit and a killed interpreter end without an answer, what was printed before is there', async () => {
      const python = await start()
      await python.init(source('import os\ndef main(args):\n  print("before")\n  os._exit(5)'))
      assert.equal(await python.run({}), 'lost')
      assert.equal(python.printed().stdout, 'before\n')
      assert.deepEqual(await python.end(), { code: 5 })
      const other = await start()
      await other.init(source('import os\ndef main(args):\n  os.kill(os.getpid(), 9)'))
      assert.equal(await other.run({}), 'lost')
    })

    test('os._exit writes out what was flushed, also of a line without an end', async () => {
      const python = await start()
      await python.init(
        source(
          'import os, sys\ndef main(args):\n  sys.stdout.write("last words")\n  sys.stdout.flush()\n  if os.fork() == 0: os._exit(0)\n  os.wait()\n  os._exit(5)',
        ),
      )
      assert.equal(await python.run({}), 'lost')
      assert.match(python.printed().stdout, /^last words\n?$/)
    })

    test('NaN, cycles and objects that are no JSON are named in a 502', async () => {
      const python = await start()
      await python.init(
        source(
          'def main(a):\n  if a["k"] == "nan": return {"x": float("nan")}\n  if a["k"] == "set": return {"x": {1}}\n  c = {}\n  c["c"] = c\n  return c',
        ),
      )
      const prefix = 'The action did not return valid JSON: '
      assert.match(JSON.stringify(await python.run({ k: 'nan' })), new RegExp(`502.*${prefix}Out of range float`))
      assert.match(
        JSON.stringify(await python.run({ k: 'set' })),
        new RegExp(`502.*${prefix}Object of type set is not`),
      )
      assert.match(JSON.stringify(await python.run({ k: 'cycle' })), new RegExp(`502.*${prefix}Circular reference`))
    })

    test('standard input is empty, descriptors can be closed, threads and stream replacements do no harm', async () => {
      const python = await start()
      await python.init(
        source(
          [
            'import io, os, sys, threading, time',
            'def main(args):',
            '  assert sys.stdin.read() == ""',
            '  threading.Thread(target=lambda: time.sleep(60)).start()',
            '  os.write(1, b"raw\\n")',
            '  os.closerange(3, 256)',
            '  sys.stdout = io.StringIO()',
            '  print("lost")',
            '  if args: os.closerange(0, 3)',
            '  return {"done": True}',
          ].join('\n'),
        ),
      )
      assert.deepEqual(await python.run({}), { status: 200, body: { done: true } })
      assert.equal(python.printed().stdout, 'raw\n')
      assert.deepEqual(await python.run({ close: 1 }), { status: 200, body: { done: true } })
    })

    test('a fork that returns answers once; subprocess and multiprocessing work', async () => {
      const python = await start()
      await python.init(
        source(
          [
            'import multiprocessing, os, subprocess, sys',
            'def twice(x): return 2 * x',
            'def main(args):',
            '  if os.fork() == 0: print("last words", end="")',
            '  with multiprocessing.get_context("fork").Pool(1) as pool:',
            '    four = pool.map(twice, [2])',
            '  return {"four": four, "out": subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True).stdout}',
          ].join('\n'),
        ),
      )
      assert.deepEqual(await python.run({}), { status: 200, body: { four: [4], out: '7\n' } })
      assert.deepEqual(await python.run({}), { status: 200, body: { four: [4], out: '7\n' } })
      while (!/last words\n?last words/.test(python.printed().stdout)) await python.run({})
    })

    test('the end of standard input ends the launcher, whatever threads run', async () => {
      const python = await start()
      await python.init(
        source(
          'import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\ndef main(a): return a',
        ),
      )
      assert.deepEqual(await python.end(), { code: 0 })
    })

    test('zip: other entry point, imports beside it, relative files, working directory', async () => {
      const python = await start()
      const archive = await zipped(
        {
          '__main__.py':
            'from echo import echo\ndef niam(args):\n  return {**echo(args), "file": open("data/work").read()}',
          'echo.py': 'def echo(args):\n  return {"echo": args}',
          'data/work': 'this is a test string',
          // The launcher's own module of this name must not get in the way.
          'action_archive.py': 'mine = True',
        },
        { main: 'niam' },
      )
      assert.deepEqual(await python.init(archive), OK)
      assert.deepEqual(await python.run({ msg: 'it works' }), {
        status: 200,
        body: { echo: { msg: 'it works' }, file: 'this is a test string' },
      })
      assert.deepEqual(python.printed(), { stdout: '', stderr: '' })
    })

    test('zip without __main__.py: 502, Zip file does not include main__', async () => {
      const python = await start()
      assert.deepEqual(await python.init(await zipped({ 'echo.py': ECHO })), failed(502, COMPILE_FAILED))
      assert.equal(python.printed().stderr, 'Zip file does not include main__\n')
    })

    test('zip with a virtualenv: activated before the import, from bin or Scripts', async () => {
      for (const folder of ['bin', 'Scripts']) {
        const python = await start()
        const archive = await zipped({
          '__main__.py': 'from tested import value\ndef main(a):\n  return {"value": value}',
          [`virtualenv/${folder}/activate_this.py`]:
            'import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))',
          'virtualenv/lib/tested.py': 'value = 42',
        })
        assert.deepEqual(await python.init(archive), OK)
        assert.deepEqual(await python.run({}), { status: 200, body: { value: 42 } })
      }
    })

    test("zip with a virtualenv that cannot be activated: Invalid virtualenv. Zip file does not include 'activate_this.py'.", async () => {
      const python = await start()
      const archive = await zipped({ '__main__.py': ECHO, 'virtualenv/bin/python': '' })
      assert.deepEqual(await python.init(archive), failed(502, COMPILE_FAILED))
      assert.equal(python.printed().stderr, "Invalid virtualenv. Zip file does not include 'activate_this.py'.\n")
    })

    test('requirements.txt without what it names: an init error that says so; with it: fine', async () => {
      const python = await start()
      const files = {
        '__main__.py': ECHO,
        'requirements.txt': '# all of it\nno-such-thing>=1.0 ; python_version > "3"\n\nmine\n',
      }
      const answer = await python.init(await zipped(files))
      assert.ok(answer !== 'lost' && answer.status === 502)
      assert.match(JSON.stringify(answer.body), /names packages that are not there: no-such-thing, mine\. Put them/)
      const vendored = {
        ...files,
        'no_such_thing-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: no-such-thing\nVersion: 1.0\n',
        'mine-2.dist-info/METADATA': 'Metadata-Version: 2.1\nName: mine\nVersion: 2\n',
      }
      assert.deepEqual(await python.init(await zipped(vendored)), OK)
    })

    test('sys.executable is a Python', async () => {
      const python = await start()
      await python.init(source('import sys\ndef main(a): return {"sys": sys.executable}'))
      assert.match(JSON.stringify(await python.run({})), /python/)
    })
  })
}

test('at least one Python was found', () => {
  assert.ok(pythons.length > 0)
})
