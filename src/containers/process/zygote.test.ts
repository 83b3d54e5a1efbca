/** Forked containers, seen from inside and from the host: the sandbox is whole, the interpreter is like a fresh one, and nothing is left behind. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { release } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zipped } from '../../../runtimes/python/drive-launcher.ts'
import type { SandboxPlan } from './sandbox-plan.ts'
import type { PythonContainer, ZygoteFixture } from './zygote-fixture.ts'
import { CONTAINER_USER, initialise, isRoot, openZygoteFixture, within } from './zygote-fixture.ts'

const fixture: ZygoteFixture = await openZygoteFixture(process.env['PATH'] ?? '')
after(() => fixture.close())
const supported = process.platform === 'linux' && fixture.pythons.some(({ launcher }) => launcher.zygote !== undefined)

/** What the container sees of itself. */
const LOOK = `
import ctypes, os, resource, signal, socket, sys, threading
def refused(call):
  try:
    call()
  except OSError as error:
    return error.strerror
  return 'DONE'
def main(args):
  with open('/proc/self/status') as f:
    status = dict(line.rstrip('\\n').split(':\\t', 1) for line in f if ':\\t' in line)
  with open('/proc/self/mountinfo') as f:
    mounts = {line.split()[4]: line.split()[5].split(',') for line in f}
  libc = ctypes.CDLL(None, use_errno=True)
  def syscall(*arguments):
    if libc.syscall(*arguments) < 0:
      raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
  return {
    'status': status,
    'mounts': mounts,
    'environment': dict(os.environ),
    'firstEnvironment': open('/proc/self/environ').read(),
    'commandLine': open('/proc/self/cmdline').read(),
    'processes': sorted(int(name) for name in os.listdir('/proc') if name.isdigit()),
    'descriptors': sorted(os.readlink(fd).split(':')[0] for fd in ['/proc/self/fd/' + name for name in os.listdir('/proc/self/fd')] if os.path.lexists(fd)),
    'interfaces': [name for _, name in socket.if_nameindex()],
    'root': sorted(os.listdir('/')),
    'ids': [os.getpid(), os.getppid(), os.getsid(0)],
    'umask': os.umask(0o022),
    'cwd': os.getcwd(),
    'limits': [resource.getrlimit(which)[0] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)],
    'signals': [str(signal.getsignal(number)) for number in (signal.SIGCHLD, signal.SIGTERM)],
    'blocked': list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    'hostname': socket.gethostname(),
    'threads': threading.active_count(),
    'refused': {
      'write root': refused(lambda: open('/x', 'w')),
      'write usr': refused(lambda: open('/usr/x', 'w')),
      'write etc': refused(lambda: open('/etc/passwd', 'a')),
      'write interpreter': refused(lambda: open('/proc/self/exe', 'r+b')),
      'become root': refused(lambda: os.setresuid(0, 0, 0)) if args['root'] else 'Operation not permitted',
      'mount': refused(lambda: syscall(args['mount'], b'tmpfs', b'/tmp', b'tmpfs', 0, 0)),
      'unshare': refused(lambda: libc.unshare(0x10000000) and syscall(args['mount'], 0, 0, 0, 0, 0)),
    },
  }
`

const MOUNT_SYSCALL = process.arch === 'arm64' ? 40 : 165

interface Look {
  readonly status: Readonly<Record<string, string>>
  readonly mounts: Readonly<Record<string, readonly string[]>>
  readonly environment: Readonly<Record<string, string>>
  readonly firstEnvironment: string
  readonly commandLine: string
  readonly processes: readonly number[]
  readonly descriptors: readonly string[]
  readonly interfaces: readonly string[]
  readonly root: readonly string[]
  readonly ids: readonly number[]
  readonly umask: number
  readonly cwd: string
  readonly limits: readonly number[]
  readonly signals: readonly string[]
  readonly blocked: readonly number[]
  readonly hostname: string
  readonly threads: number
  readonly refused: Readonly<Record<string, string>>
}

function hostStatus(pid: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
  return new Map(lines.map((line) => [line.split(':')[0] ?? '', (line.split(':')[1] ?? '').trim()]))
}

/** Host numbers of the processes below `pid`. */
function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

const alive = (pid: number): boolean => existsSync(`/proc/${pid}`)

for (const { kind, launcher } of fixture.pythons.filter((found) => found.launcher.zygote !== undefined)) {
  describe(`${kind} forked as ${isRoot ? 'root' : 'an ordinary user'}`, { skip: !supported }, () => {
    const starter = fixture.starter()
    after(() => starter.close())
    const start = async (code: string, more: Partial<SandboxPlan> = {}): Promise<PythonContainer> =>
      initialise(await starter.start(fixture.plan(launcher, more), launcher), code)

    test('a zygote comes up', async () => {
      assert.equal(await starter.prepare(launcher), undefined)
      assert.equal(starter.counters.ready, 1)
    })

    test('the sandbox is whole: no privilege, read-only, alone', async () => {
      const container = await start(LOOK)
      const seen = (await container.run({ root: isRoot, mount: MOUNT_SYSCALL })) as Look
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        assert.match(seen.status[set] ?? '', /^0+$/, set)
      }
      assert.equal(seen.status['NoNewPrivs'], '1')
      assert.equal(seen.status['Seccomp'], '2')
      const { uid } = isRoot ? CONTAINER_USER : { uid: process.getuid?.() }
      assert.equal(seen.status['Uid'], `${uid}\t${uid}\t${uid}\t${uid}`)
      assert.deepEqual(seen.processes, [1, 2])
      assert.deepEqual(seen.ids, [2, 1, 1])
      assert.deepEqual(seen.interfaces, ['lo'])
      assert.equal(seen.hostname, 'action')
      const writable = ['/tmp', '/home/action', '/dev/shm', '/proc']
      for (const [path, options] of Object.entries(seen.mounts)) {
        assert.ok(options.includes('nosuid'), `${path} lets programs change their user`)
        if (!writable.includes(path) && !path.startsWith('/dev/'))
          assert.ok(options.includes('ro'), `${path} is writable`)
        if (!path.startsWith('/dev/') || path === '/dev/shm')
          assert.ok(options.includes('nodev'), `${path} allows devices`)
      }
      for (const path of writable) assert.ok(seen.mounts[path] !== undefined, `${path} is not mounted`)
      for (const [what, outcome] of Object.entries(seen.refused)) {
        assert.match(outcome, /Operation not permitted|Read-only file system|Permission denied|Text file busy/, what)
      }
      await container.end()
    })

    test('the interpreter is like a fresh one: environment, descriptors, limits, signals', async () => {
      const container = await start(LOOK)
      const seen = (await container.run({ root: isRoot, mount: MOUNT_SYSCALL })) as Look
      assert.deepEqual(seen.environment, {
        ...fixture.plan(launcher).environment,
        __OW_ACTIVATION_ID: '0123456789abcdef0123456789abcdef',
      })
      assert.equal(seen.firstEnvironment, 'PATH=/usr/bin:/bin\0LANG=C.UTF-8\0HOME=/home/action\0')
      assert.doesNotMatch(seen.commandLine, new RegExp(fixture.directory))
      // Standard input is the null device, then stdout, stderr and the two that the launcher has moved up.
      assert.deepEqual(seen.descriptors, ['/dev/null', 'socket', 'socket', 'socket', 'socket'])
      assert.equal(seen.umask, 0o022)
      assert.equal(seen.cwd, '/home/action/action/1')
      assert.deepEqual(seen.limits, [512, 64 * 1024 * 1024, 0])
      assert.deepEqual(
        seen.signals,
        ['0', '0'].map(() => seen.signals[0]),
      )
      assert.match(seen.signals[0] ?? '', /SIG_DFL|^0$/)
      assert.deepEqual(seen.blocked, [])
      assert.equal(seen.threads, 1)
      await container.end()
    })

    test('process 1 is confined like the interpreter, on the host both are the container user', async () => {
      const container = await start('def main(a): return a')
      const { pid } = container.process
      const [interpreter] = childrenOf(pid)
      for (const process of [pid, interpreter ?? 0]) {
        const status = hostStatus(process)
        assert.match(status.get('CapBnd') ?? '', /^0+$/)
        assert.match(status.get('CapEff') ?? '', /^0+$/)
        assert.equal(status.get('NoNewPrivs'), '1')
        assert.equal(status.get('Seccomp'), '2')
        if (isRoot) assert.match(status.get('Uid') ?? '', new RegExp(`^${CONTAINER_USER.uid}\t${CONTAINER_USER.uid}\t`))
        if (isRoot) assert.equal(status.get('Groups'), '')
      }
      await container.end()
      assert.ok(!alive(pid))
    })

    test('files are private: neither the host nor another container sees them, nor does a container see the host', async () => {
      const write = 'def main(a):\n  open("/tmp/mine", "w").write("x")\n  return {}'
      const [one, other] = await Promise.all([
        start(write),
        start(
          'import os\ndef main(a):\n  return {"there": [p for p in a["paths"] if os.path.exists(p)], "tmp": os.listdir("/tmp")}',
        ),
      ])
      await one.run()
      const paths = ['/tmp/mine', fixture.directory, fileURLToPath(import.meta.url), '/etc/shadow', '/root/.bashrc']
      assert.deepEqual(await other.run({ paths }), { there: [], tmp: [] })
      assert.ok(!existsSync('/tmp/mine'))
      await Promise.all([one.end(), other.end()])
    })

    test('abstract sockets of the host are out of reach where its network is shared', async (context) => {
      const [major = 0, minor = 0] = release().split('.').map(Number)
      if (major < 6 || (major === 6 && minor < 12)) return context.skip('Landlock has scopes since Linux 6.12')
      const name = `stave-zygote-${process.pid}-${kind}`
      const server = createServer().listen(`\0${name}`)
      try {
        const code =
          'import socket\ndef main(a):\n  try:\n    socket.socket(socket.AF_UNIX).connect("\\0" + a["name"])\n  except OSError as error:\n    return {"outcome": error.strerror}\n  return {"outcome": "connected"}'
        const open = await start(code, { network: 'host' })
        assert.deepEqual(await open.run({ name }), { outcome: 'connected' })
        const scoped = await start(code, { network: 'host', hideAbstractSockets: true })
        assert.deepEqual(await scoped.run({ name }), { outcome: 'Operation not permitted' })
        await Promise.all([open.end(), scoped.end()])
      } finally {
        server.close()
      }
    })

    test('randomness is its own', async () => {
      const code =
        'import random, ssl, uuid, tempfile\ndef main(a):\n  return {"r": random.random(), "s": ssl.RAND_bytes(8).hex(), "u": str(uuid.uuid4()), "t": next(tempfile._get_candidate_names())}'
      const containers = await Promise.all([start(code), start(code)])
      const [one, other] = (await Promise.all(containers.map((container) => container.run()))) as Record<
        string,
        unknown
      >[]
      for (const key of ['r', 's', 'u', 't']) assert.notEqual(one?.[key], other?.[key], key)
      await Promise.all(containers.map((container) => container.end()))
    })

    test('an action that brings modules of names that are loaded already gets its own, and zips work', async () => {
      const archive = await zipped({
        '__main__.py':
          'import calendar, email.mine, json\ndef main(a):\n  return {"calendar": calendar.mine, "email": email.mine.value, "json": json.dumps([1])}',
        'calendar.py': 'mine = 1',
        'email/__init__.py': '',
        'email/mine.py': 'value = 2',
      })
      const container = await initialise(await starter.start(fixture.plan(launcher), launcher), archive)
      assert.deepEqual(await container.run(), { calendar: 1, email: 2, json: '[1]' })
      await container.end()
    })

    test('workers of multiprocessing start, orphans are reaped', async () => {
      const container = await start(
        [
          'import multiprocessing, os, time',
          'def main(a):',
          '  if a["spawn"]:',
          '    with multiprocessing.get_context("spawn").Pool(1) as pool:',
          '      return {"four": pool.map(abs, [-4])}',
          '  for _ in range(5):',
          '    if os.fork() == 0:',
          '      if os.fork() == 0: os._exit(0)',
          '      os._exit(0)',
          '    os.wait()',
          '  for _ in range(200):',
          '    left = [n for n in os.listdir("/proc") if n.isdigit()]',
          '    if len(left) == 2: break',
          '    time.sleep(0.01)',
          '  return {"left": len(left)}',
        ].join('\n'),
      )
      assert.deepEqual(await container.run({ spawn: false }), { left: 2 })
      assert.deepEqual(await container.run({ spawn: true }), { four: [4] })
      await container.end()
    })

    test('how it ended is told: exit status, signal inside, killed from outside', async () => {
      const code = 'import os\ndef main(a):\n  os._exit(7) if a["how"] == "exit" else os.kill(os.getpid(), 9)'
      const [exits, killed, outside] = await Promise.all([start(code), start(code), start(code)])
      await exits.run({ how: 'exit' })
      assert.deepEqual(await exits.process.exited, { code: 7 })
      await killed.run({ how: 'kill' })
      assert.deepEqual(await killed.process.exited, { code: 137 })
      const below = childrenOf(outside.process.pid)
      process.kill(outside.process.pid, 'SIGKILL')
      assert.deepEqual(await within(outside.process.exited, 'the end'), { signal: 'SIGKILL' })
      assert.deepEqual(
        below.filter((pid) => alive(pid)),
        [],
      )
    })

    test('time from the request until a launcher waits for its init message', async (context) => {
      const times: number[] = []
      for (let index = 0; index < 10; index++) {
        const before = performance.now()
        const container = await starter.start(fixture.plan(launcher), launcher)
        await new Promise((resolve) => container.answers.once('data', resolve))
        times.push(performance.now() - before)
        container.stdin.end()
        await container.exited
      }
      times.sort((one, other) => one - other)
      context.diagnostic(`${kind}: median ${times[5]?.toFixed(1)} ms, fastest ${times[0]?.toFixed(1)} ms`)
      assert.equal(starter.counters.fellBack, 0)
    })
  })
}

describe('many and none', { skip: !supported }, () => {
  const [python] = fixture.pythons

  test('50 at once: each is served, and nothing is left of them', async (context) => {
    assert.ok(python !== undefined)
    const { launcher } = python
    const starter = fixture.starter()
    context.after(() => starter.close())
    assert.equal(await starter.prepare(launcher), undefined)
    const containers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const started = await starter.start(fixture.plan(launcher), launcher)
        return { index, container: await initialise(started, 'def main(a): return a') }
      }),
    )
    const answers = await Promise.all(containers.map(({ index, container }) => container.run({ index })))
    assert.deepEqual(
      answers,
      containers.map(({ index }) => ({ index })),
    )
    assert.equal(starter.counters.forked, 50)
    const pids = containers.flatMap(({ container: { process } }) => [process.pid, ...childrenOf(process.pid)])
    await starter.close()
    const ends = await Promise.all(containers.map(({ container }) => within(container.process.exited, 'the end')))
    // They are the zygote's: when it goes, the kernel ends them.
    assert.ok(ends.every((end) => end.signal === 'SIGKILL'))
    assert.deepEqual(
      pids.filter((pid) => alive(pid) && hostStatus(pid).get('State')?.startsWith('Z') !== true),
      [],
    )
    assert.deepEqual(
      readdirSync(fixture.directory).filter(
        (name) => name.startsWith('run') && existsSync(join(fixture.directory, name, 'streams')),
      ),
      [],
    )
  })

  test('the control groups of the plan are joined before user code runs', async (context) => {
    assert.ok(python !== undefined)
    const groups = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')))
    const group = join(groups ?? '', `stave-zygote-test-${process.pid}`)
    try {
      mkdirSync(group)
    } catch (error) {
      return context.skip(`no control group can be made here: ${String(error)}`)
    }
    const starter = fixture.starter()
    try {
      await starter.prepare(python.launcher)
      const plan = fixture.plan(python.launcher, { cgroupProcs: [join(group, 'cgroup.procs')] })
      const container = await initialise(
        await starter.start(plan, python.launcher),
        'def main(a): return {"groups": open("/proc/self/cgroup").read()}',
      )
      const members = readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number)
      const { pid } = container.process
      assert.deepEqual(members, [pid, ...childrenOf(pid)])
      // Its own name space: what it is in looks like the root.
      assert.doesNotMatch(JSON.stringify(await container.run()), /stave-zygote-test/)
      await container.end()
    } finally {
      await starter.close()
      rmdirSync(group)
    }
  })

  test('all of this as an ordinary user', { skip: !isRoot && 'it is one' }, (context) => {
    const { status, stdout, stderr } = spawnSync(
      'setpriv',
      [
        '--reuid',
        '65534',
        '--regid',
        '65534',
        '--clear-groups',
        process.execPath,
        '--test',
        fileURLToPath(import.meta.url),
      ],
      { encoding: 'utf8', timeout: 60_000, env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, cwd: '/' },
    )
    if (/EACCES|cannot open/i.test(stderr)) return context.skip('the tests cannot be read by an ordinary user')
    assert.equal(status, 0, stdout)
    assert.match(stdout, /forked as an ordinary user/)
  })
})
