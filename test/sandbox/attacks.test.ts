/** What hostile code sees and reaches from inside a sandbox. Each test asserts the observation of the code itself; after each, nothing is left on the host. */

import assert from 'node:assert/strict'
import { readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { arch, hostname } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { after, before, describe, test } from 'node:test'
import { readProcesses } from '../../src/containers/process/process-table.ts'
import { DENIED_CALLS, deniedNumber, seccompArchitecture } from '../../src/containers/process/seccomp.ts'
import type { SandboxLevel } from '../../src/containers/process/settings.ts'
import type { TestHost } from './sandbox-kit.ts'
import { assertNothingLeft, availableLevels, inside, isRoot, openTestHost, run, startAction } from './sandbox-kit.ts'

for (const { level, missing } of availableLevels()) {
  if (level !== 'none') describeAttacks(level, missing)
}

function describeAttacks(level: SandboxLevel, missing: string | undefined): void {
  describe(`attacks on ${level} as ${isRoot ? 'root' : 'an ordinary user'}`, { skip: missing ?? false }, () => {
    let host: TestHost
    before(async () => {
      host = await openTestHost({ sandbox: level })
    })
    after(async () => {
      await host.close()
    })
    const attack = (title: string, body: (on: TestHost, context: TestContext) => Promise<void>): void => {
      test(title, async (context) => {
        try {
          await body(host, context)
        } catch (error) {
          // One failure must not show up in every test after it.
          for (const { id } of await host.factory.list()) await host.factory.remove(id)
          throw error
        }
        assertNothingLeft(host.runDir)
      })
    }

    attack('every process has no capability, no new privileges, the filter, and no root on the host', async (on) => {
      const { container } = await startAction(on.factory, STATUSES)
      const { statuses } = await run(container)
      assert.ok(Array.isArray(statuses) && statuses.length >= 2, JSON.stringify(statuses))
      for (const status of statuses) {
        assert.match(String(status), /^CapInh:\s0+$/m)
        assert.match(String(status), /^CapPrm:\s0+$/m)
        assert.match(String(status), /^CapEff:\s0+$/m)
        assert.match(String(status), /^CapBnd:\s0+$/m)
        assert.match(String(status), /^CapAmb:\s0+$/m)
        assert.match(String(status), /^NoNewPrivs:\s1$/m)
        assert.match(String(status), /^Seccomp:\s2$/m)
      }
      const own = namespaceOf(process.pid)
      const members = descendants(process.pid).filter((pid) => namespaceOf(pid) !== own && namespaceOf(pid) !== '')
      assert.ok(members.length >= 2)
      for (const pid of members) {
        const uids = /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
        assert.ok(!uids.split('\t').includes('0'), `process ${pid}: ${uids}`)
      }
      await container.destroy()
    })

    attack('other processes are not seen, and the environment of the platform neither', async (on) => {
      const seen = await inside(
        on.factory,
        `const pids = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
         return { pids: pids.length, environ: pids.map((pid) => fs.readFileSync('/proc/' + pid + '/environ', 'latin1')),
           platform: attempt(() => process.kill(${process.pid + 100_000 > 4_000_000 ? 1 : process.pid}, 0)), hostname: require('os').hostname() }`,
      )
      assert.ok(Number(seen['pids']) <= 3, JSON.stringify(seen))
      assert.ok(!JSON.stringify(seen['environ']).includes('NODE_TEST_CONTEXT'))
      assert.equal(seen['platform'], 'ESRCH')
      assert.notEqual(seen['hostname'], hostname())
    })

    attack('the data directory, homes and sockets of the host are not there', async (on) => {
      const secret = join(on.dataDir, 'secret')
      const socket = join(on.dataDir, 'internal.sock')
      writeFileSync(secret, 'do not read')
      const server = createServer((connection) => connection.end('internal')).listen(socket)
      try {
        const seen = await inside(
          on.factory,
          `const connect = (path) => new Promise((resolve) => require('net').connect(path).on('connect', () => resolve('connected')).on('error', (error) => resolve(error.code)));
           return { secret: attempt(() => fs.readFileSync(${JSON.stringify(secret)})), socket: await connect(${JSON.stringify(socket)}),
             throughRoot: attempt(() => fs.readFileSync('/proc/1/root' + ${JSON.stringify(secret)})),
             throughCwd: attempt(() => fs.readFileSync('/proc/1/cwd/../../..' + ${JSON.stringify(secret)})),
             top: fs.readdirSync('/').sort(), homes: fs.readdirSync('/home'), old: fs.readdirSync('/.old'), run: fs.readdirSync('/run'), sys: fs.readdirSync('/sys'), root: attempt(() => fs.readdirSync('/root')) }`,
        )
        assert.equal(seen['secret'], 'ENOENT')
        assert.equal(seen['socket'], 'ENOENT')
        assert.match(String(seen['throughRoot']), /ENOENT|EACCES/)
        assert.match(String(seen['throughCwd']), /ENOENT|EACCES/)
        assert.deepEqual(seen['homes'], ['action'])
        assert.deepEqual([seen['old'], seen['run'], seen['sys']], [[], [], []])
        assert.equal(seen['root'], 'ENOENT')
      } finally {
        server.close()
      }
    })

    attack(
      'sockets of the host with an abstract name are out of reach, the container’s own are not',
      async (on, context) => {
        const known = on.factory.protections().protections.find(({ name }) => name === 'abstract sockets')
        if (known?.on !== true) return context.skip(known?.detail)
        const name = `stave-test-${process.pid}`
        const server = createServer((connection) => connection.end('internal')).listen(`\0${name}`)
        try {
          const seen = await inside(
            on.factory,
            `const connect = (path) => new Promise((resolve) => require('net').connect(path).on('connect', () => resolve('connected')).on('error', (error) => resolve(error.code)));
           require('net').createServer((c) => c.end()).listen('\\0${name}-own').unref();
           return { host: await connect('\\0${name}'), own: await connect('\\0${name}-own') }`,
          )
          assert.deepEqual(seen, { host: 'EPERM', own: 'connected' })
        } finally {
          server.close()
        }
      },
    )

    attack('nothing of the system can be written', async (on) => {
      const seen = await inside(
        on.factory,
        `const places = ['/x', '/usr/x', '/usr/bin/x', '/etc/x', '/etc/passwd', '/etc/resolv.conf', '/dev/x', '/opt/launcher/x', '/opt/launcher/test-launcher.cjs', '/opt/node/bin/node', '/sys/x', '/run/x', '/home/x', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'];
         return { results: places.map((path) => [path, attempt(() => fs.closeSync(fs.openSync(path, path.startsWith('/proc') ? 'r+' : 'a')))]), mounts: fs.readFileSync('/proc/mounts', 'utf8') }`,
      )
      for (const [path, result] of Object.values(seen['results'] ?? {})) {
        assert.match(String(result), /^(EROFS|EACCES|EPERM|ENOENT|ETXTBSY)$/, `${path}: ${result}`)
      }
      for (const line of String(seen['mounts']).trim().split('\n')) {
        const [, target = '', type = '', options = ''] = line.split(' ')
        assert.ok(options.split(',').includes('nosuid'), line)
        if (!['tmpfs', 'devtmpfs', 'proc', 'devpts'].includes(type)) assert.ok(options.split(',').includes('ro'), line)
        if (type !== 'devtmpfs' && !target.startsWith('/dev/')) assert.ok(options.split(',').includes('nodev'), line)
      }
    })

    attack('containers see nothing of each other', async (on) => {
      const { container: victim } = await startAction(
        on.factory,
        `const fs = require('fs'); function main() { for (const place of ['/tmp', '/home/action', '/dev/shm']) fs.writeFileSync(place + '/secret', 'mine'); return { ok: true } }`,
      )
      await run(victim)
      const seen = await inside(
        on.factory,
        `const own = fs.readdirSync('/proc/self/task').map(Number), killed = []; for (let pid = 2; pid < 40000; pid++) if (!own.includes(pid) && attempt(() => process.kill(pid, 'SIGKILL')) === 'done') killed.push(pid);
         return { found: ['/tmp', '/home/action', '/dev/shm'].flatMap((place) => fs.readdirSync(place)), killed }`,
      )
      assert.deepEqual(seen, { found: [], killed: [] })
      assert.equal((await run(victim))['ok'], true)
      await victim.destroy()
    })

    attack('private directories are writable up to their size', async (on) => {
      const seen = await inside(
        on.factory,
        `const fill = (place) => { let written = 0; const code = attempt(() => { for (let file = 0; ; file++) for (let part = 0; part < 4; part++) { fs.appendFileSync(place + '/f' + file, Buffer.alloc(1 << 20)); written++ } }); return [code, written] };
         return { filled: ['/tmp', '/home/action', '/dev/shm', '.'].map((place) => fill(place)) }`,
      )
      for (const [code, megabytes] of Object.values(seen['filled'] ?? {}).slice(0, 3)) {
        assert.equal(code, 'ENOSPC')
        assert.ok(megabytes >= 14 && megabytes <= 16, `${megabytes} MB`)
      }
    })

    attack('a file cannot be larger than allowed', async (on) => {
      const seen = await inside(
        on.factory,
        `const { status } = sh('head -c 12000000 /dev/zero > /tmp/large'); return { status, size: fs.statSync('/tmp/large').size }`,
      )
      assert.notEqual(seen['status'], 0)
      assert.equal(seen['size'], 8 * 1024 * 1024)
    })

    attack('S4-74: a fork bomb is stopped, and leaves with its container', async (on) => {
      const { container } = await startAction(
        on.factory,
        `const { spawn } = require('child_process');
         async function main() { let ok = 0, refused; for (let n = 0; n < 300 && !refused; n++) await new Promise((resolve) => { try { const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); child.on('error', (error) => { refused = error.code; resolve() }).on('spawn', () => { ok++; resolve() }) } catch (error) { refused = error.code; resolve() } }); return { ok, refused } }`,
      )
      const seen = await run(container)
      assert.equal(seen['refused'], 'EAGAIN', JSON.stringify(seen))
      assert.ok(Number(seen['ok']) < 64)
      await container.destroy()
    })

    attack('a process that leaves session and parent ends with its container all the same', async (on) => {
      const { container } = await startAction(
        on.factory,
        `function main() { require('child_process').spawnSync('/bin/sh', ['-c', '(setsid sh -c "trap : 1 2 15; (sleep 61 & sleep 62) & sleep 63" >/dev/null 2>&1 </dev/null &) &']); setTimeout(() => process.exit(0), 20); return {} }`,
      )
      await run(container)
      assert.deepEqual(await container.ended, { cause: 'exited', code: 0 })
    })

    attack(
      'the first process cannot be killed from inside, everything else is the container’s own loss',
      async (on) => {
        const { container } = await startAction(
          on.factory,
          `function main(args) { if (args.all) { process.kill(-1, 'SIGKILL'); } for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSTOP']) process.kill(1, signal); return { alive: true } }`,
        )
        assert.deepEqual(await run(container), { alive: true })
        assert.deepEqual(await run(container), { alive: true })
        await container.destroy()
      },
    )

    attack('denied system calls are refused', async (on, context) => {
      const architecture = seccompArchitecture(arch())
      if (architecture === undefined) return context.skip(`no filter for ${arch()}`)
      const numbers = DENIED_CALLS.flatMap((name) => deniedNumber(name, architecture) ?? [])
      const [clone, x32] = architecture === 'x64' ? [56, '0x40000027'] : [220, '435']
      const script = `$! = 0; for my $call (${numbers.join(',')}) { $! = 0; my $r = syscall($call, 0, 0, 0, 0, 0); print "$call ", ($r == -1 ? $!+0 : 'done'), "\\n" }
        for my $flag (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000) { $! = 0; my $r = syscall(${clone}, $flag | 17, 0, 0, 0, 0); exit if $r == 0; print "clone ", ($r == -1 ? $!+0 : 'done'), "\\n" }
        for my $request (0x5412, 0x541c) { $! = 0; my $r = syscall(${architecture === 'x64' ? 16 : 29}, 0, $request, my $push = "x"); print "ioctl ", ($r == -1 ? $!+0 : 'done'), "\\n" }
        $! = 0; syscall(435, 0, 0); print "clone3 ", $!+0, "\\n"; $! = 0; syscall(${x32}); print "x32 ", $!+0, "\\n";`
      const seen = await inside(on.factory, `return sh('perl -', ${JSON.stringify(script)})`)
      const lines = String(seen['stdout']).split('\n')
      assert.equal(lines.length, numbers.length + 7 + 2 + 2, JSON.stringify(seen))
      for (const line of lines) assert.match(line, /^(clone3|x32) 38$|^(\d+|clone|ioctl) 1$/)
    })

    attack('tools for namespaces, mounts and users get nowhere', async (on) => {
      const seen = await inside(
        on.factory,
        `return { results: ['unshare -U true', 'unshare -m true', 'unshare -n true', 'mount -t tmpfs none /tmp', 'umount /tmp', 'chroot / true', 'nsenter -t 1 -m true', 'hostname evil', 'su -c true', 'dmesg', 'mknod /tmp/disk b 254 0'].map((command) => [command, sh(command).status]) }`,
      )
      for (const [command, status] of Object.values(seen['results'] ?? {})) {
        assert.notEqual(status, 0, String(command))
      }
    })

    attack('links lead nowhere', async (on) => {
      const victim = join(on.dataDir, 'victim')
      writeFileSync(victim, 'safe')
      symlinkSync(victim, join(on.dataDir, 'link'))
      const seen = await inside(
        on.factory,
        `fs.symlinkSync(${JSON.stringify(victim)}, '/tmp/link'); fs.symlinkSync('../../../../../../../..' + ${JSON.stringify(victim)}, '/home/action/link');
         return { hard: attempt(() => fs.linkSync('/etc/passwd', '/tmp/passwd')), soft: attempt(() => fs.writeFileSync('/tmp/link', 'evil')), relative: attempt(() => fs.readFileSync('/home/action/link')), self: attempt(() => fs.readFileSync('/proc/self/root/../../' + ${JSON.stringify(victim)})) }`,
      )
      assert.match(String(seen['hard']), /^(EXDEV|EPERM|EROFS)$/)
      assert.match(
        `${String(seen['soft'])} ${String(seen['relative'])} ${String(seen['self'])}`,
        /^ENOENT ENOENT ENOENT$/,
      )
      assert.equal(readFileSync(victim, 'utf8'), 'safe')
    })

    attack('no descriptor of the platform is inherited', async (on) => {
      const seen = await inside(
        on.factory,
        `return { open: sh('for fd in /proc/self/fd/*; do readlink $fd; done; for fd in /proc/1/fd/*; do readlink $fd; done').stdout.split('\\n'), own: fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd) } catch { return 'gone' } }) }`,
      )
      for (const target of [...Object.values(seen['open'] ?? {}), ...Object.values(seen['own'] ?? {})]) {
        assert.match(String(target), /^(socket:|pipe:|anon_inode:|\/dev\/null|\/proc\/|gone|$)/)
      }
    })

    attack('S4-74: floods of output and of answers hurt nobody else', async (on) => {
      const { container } = await startAction(
        on.factory,
        `const fs = require('fs'); function main(args) { if (args.answer) return { flood: 'x'.repeat(5e6) }; const chunk = Buffer.alloc(1 << 20, 120); for (let n = 0; n < 40; n++) { for (let at = 0; at < chunk.length; ) { try { at += fs.writeSync(1, chunk, at) } catch (error) { if (error.code !== 'EAGAIN') throw error } } } return { done: true } }`,
      )
      let bytes = 0
      container.channel.onOutput = (_stream, chunk) => {
        bytes += chunk.length
      }
      assert.deepEqual(await run(container), { done: true })
      await new Promise<void>((resolve) => {
        container.channel.drained(() => resolve())
      })
      assert.equal(bytes, 40 * 1024 * 1024)
      assert.deepEqual(await run(container, { answer: true }), { reply: 'tooLarge' })
      assert.deepEqual(await run(container), { done: true })
      await container.destroy()
    })

    attack('S4-74: memory taken by files or by children counts', async (on) => {
      const { container } = await startAction(
        on.factory,
        `function main() { return require('child_process').spawnSync('perl', ['-e', 'my @held; push @held, "x" x 4e6 while 1'], { encoding: 'utf8' }) }`,
        { memoryMb: 128 },
      )
      const seen = await run(container)
      // The kernel kills either the child alone or, where the container is one unit, all of it.
      if (seen['reply'] === 'lost') assert.deepEqual(await container.ended, { cause: 'outOfMemory' })
      else assert.equal(seen['signal'], 'SIGKILL')
      await container.destroy()
    })

    attack('S4-74: a heap that is exhausted counts as memory', async (on) => {
      const { container } = await startAction(
        on.factory,
        `function main() { require('v8').setFlagsFromString('--max-old-space-size=20'); const held = []; for (;;) held.push(new Array(1000).fill({})) }`,
      )
      assert.deepEqual(await run(container), { reply: 'lost' })
      assert.deepEqual(await container.ended, { cause: 'outOfMemory' })
    })

    attack('S4-74: a process that aborts itself is not out of memory', async (on) => {
      const { container } = await startAction(on.factory, 'function main() { process.abort() }')
      assert.deepEqual(await run(container), { reply: 'lost' })
      const end = await container.ended
      assert.ok(end.cause === 'exited' || end.cause === 'signalled', JSON.stringify(end))
    })
  })
}

/** Status files of all processes that the container sees. */
const STATUSES = `function main() { const fs = require('fs'); return { statuses: fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => fs.readFileSync('/proc/' + pid + '/status', 'utf8')) } }`

/** The process namespace of a process, or '' when it has gone or may not be looked at. */
/** Processes that this one has started, and those that they have: other tests start containers at the same time. */
function descendants(root: number): readonly number[] {
  const processes = readProcesses()
  const found = new Set([root])
  for (let grown = true; grown;) {
    grown = false
    for (const { pid, parent } of processes) {
      if (!found.has(parent) || found.has(pid)) continue
      found.add(pid)
      grown = true
    }
  }
  found.delete(root)
  return [...found]
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return ''
  }
}
