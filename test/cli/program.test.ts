import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FLAGS } from '../../src/config/sources/flags.ts'
import { renderCliPage } from '../../src/cli/reference.ts'
import { runCli } from './run-cli.ts'

const EXECUTABLE = fileURLToPath(new URL('../../bin/stave.js', import.meta.url))
const OLD_NODE = '/usr/bin/node'

describe('the program', () => {
  test('docs/cli.md is what the commands say; run npm run docs', async () => {
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
    assert.equal(page, await renderCliPage())
  })

  test('help lists every group, and that of standalone every option', async () => {
    const { out, code } = await runCli(['--help'])
    assert.equal(code, 0)
    for (const group of [
      'standalone',
      'run',
      'action',
      'activation',
      'package',
      'trigger',
      'rule',
      'namespace',
      'list',
      'user',
      'limits',
      'db',
      'doctor',
      'config',
      'completion',
    ]) {
      assert.match(out, new RegExp(`^  ${group} `, 'm'))
    }
    const standalone = await runCli(['standalone', '--help'])
    for (const { name } of FLAGS) assert.ok(standalone.out.includes(`--${name}`), name)
  })

  test('S4-2: usage errors are exit code 2 and point to the help', async () => {
    for (const args of [
      ['acton'],
      ['action', 'frobnicate'],
      ['action', 'delete'],
      ['action', 'list', '--nope'],
      ['action', 'list', '-l', 'x'],
      ['action', 'invoke', 'a', '-p', 'b'],
    ]) {
      const run = await runCli(args)
      assert.equal(run.code, 2, args.join(' '))
      assert.equal(run.out, '')
      assert.match(run.err, /Run 'stave --help' for usage\.\n$/, args.join(' '))
    }
    assert.match((await runCli(['acton'])).err, /Did you mean action\?/)
    assert.equal((await runCli([])).code, 2)
    assert.equal((await runCli(['action'])).code, 2)
  })

  test('global options are taken before and after the command', async () => {
    for (const args of [
      ['--auth', 'x', 'action', 'list'],
      ['action', 'list', '--auth', 'x'],
      ['-u', 'x', 'action', 'list'],
    ]) {
      assert.match((await runCli(args)).err, /credentials of --auth are not of the form uuid:key/)
    }
  })
})

describe('stave config', () => {
  test('prints values with their origin; a wrong value and an unknown flag are usage errors', async () => {
    const env = { STAVE_PORT: '4000', STAVE_INTERNAL_TOKEN: 'a-very-secret-token' }
    const { out } = await runCli(['config', '--host', '::1', '--changed', '--data-dir', '/data'], { env })
    const rows = out.split('\n').map((line) => line.split(/ {2,}/))
    assert.deepEqual(rows, [
      ['KEY', 'VALUE', 'FROM'],
      ['host', '::1', '--host'],
      ['port', '4000', 'STAVE_PORT'],
      ['dataDir', '/data', '--data-dir'],
      ['internal.token', '********', 'STAVE_INTERNAL_TOKEN'],
      [''],
    ])
    const json = JSON.parse((await runCli(['config', 'port', '--json'], { env })).out) as unknown
    assert.deepEqual(json, { port: { value: 4000, source: 'environment', origin: 'STAVE_PORT' } })
    assert.equal((await runCli(['config', '--port', 'http'])).code, 2)
    assert.equal((await runCli(['config', '--limits-invocation-per-minute', '1'])).code, 2)
    assert.equal((await runCli(['config', 'nothing'])).code, 2)
  })
})

describe('stave completion', () => {
  test('the bash script completes commands, options and files', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-completion-'))
    context.after(() => rmSync(directory, { recursive: true }))
    const script = join(directory, 'stave.bash')
    writeFileSync(script, (await runCli(['completion', 'bash'])).out)
    const complete = (...words: string[]): readonly string[] => {
      const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`
      const text = execFileSync('bash', ['-c', `source ${script}; ${set}; _stave; echo "\${COMPREPLY[@]}"`], {
        cwd: directory,
      })
      return text.toString().trim().split(' ')
    }
    assert.deepEqual(complete('stave', 'act'), ['action', 'activation'])
    assert.deepEqual(complete('stave', '--json', 'action', 'in'), ['invoke'])
    assert.deepEqual(complete('stave', 'action', 'invoke', 'x', '--re'), ['--result'])
    assert.deepEqual(complete('stave', 'action', 'create', 'x', 'sta'), ['stave.bash'])
    assert.ok(complete('stave', 'standalone', '--limits-timeout').includes('--limits-timeout-max'))
  })

  test('scripts for zsh and fish name every command; other shells are a usage error', async () => {
    for (const shell of ['zsh', 'fish']) {
      const { out } = await runCli(['completion', shell])
      assert.match(out, /stave activation poll/)
    }
    assert.equal((await runCli(['completion', 'tcsh'])).code, 2)
  })
})

describe('the executable', () => {
  test('a Node that is too old gets one line that says what to do', { skip: oldNodeMissing() }, () => {
    const run = spawnSync(OLD_NODE, [EXECUTABLE, 'standalone'], { encoding: 'utf8' })
    assert.equal(run.status, 1)
    assert.equal(run.stdout, '')
    assert.match(
      run.stderr,
      /^stave needs Node\.js 24 or newer and was started by \d+\.[^\n]*npm ci[^\n]*npx stave[^\n]*\n$/,
    )
  })

  test('exit codes reach the shell, and nothing but the result standard output', () => {
    const run = spawnSync(process.execPath, [EXECUTABLE, 'action', 'list', '--apihost', 'http://127.0.0.1:1'], {
      encoding: 'utf8',
    })
    assert.deepEqual([run.status, run.stdout], [3, ''])
    assert.match(run.stderr, /^error: .*stave standalone/)
  })

  test('the compile cache is filled without running any source', (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'stave-cache-'))
    context.after(() => rmSync(directory, { recursive: true }))
    const env = { ...process.env, NODE_COMPILE_CACHE: directory }
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const filled = spawnSync(process.execPath, [join(root, 'bin/compile-cache.js'), root], { env, encoding: 'utf8' })
    assert.deepEqual([filled.status, filled.stdout, filled.stderr], [0, '', ''])
    assert.ok(readdirSync(directory).length > 0)
    const script = `
      await import(${JSON.stringify(join(root, 'src/cli/main.ts'))})
      await import(${JSON.stringify(join(root, 'src/router/invoke.ts'))})
      console.log(process.moduleLoadList.some((name) => name.includes('amaro')))`
    const used = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' })
    assert.equal(used.stdout, 'false\n', 'the type stripper was loaded')
  })
})

function oldNodeMissing(): string | false {
  if (!existsSync(OLD_NODE)) return `there is no ${OLD_NODE}`
  const version = execFileSync(OLD_NODE, ['--version'], { encoding: 'utf8' })
  return Number(version.slice(1).split('.')[0]) >= 24 ? `${OLD_NODE} is new enough` : false
}
