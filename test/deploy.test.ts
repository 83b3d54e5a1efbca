/** The platform's image: what goes in, and what asks it how it is. Manifests and the chart are held by test/deploy/. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { copyPlatform, productionPackages } from '../deploy/docker/local-context.ts'
import manifest from '../package.json' with { type: 'json' }
import { DOCKERFILE, imageVariables } from './deploy/kubernetes-objects.ts'

const read = (file: string): string => readFileSync(file, 'utf8')

describe('the image’s files', () => {
  let directory: string
  const laidOut = (): string => join(directory, 'out/stave')

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'stave-image-'))
    copyPlatform(join(directory, 'context'))
    const script = join(directory, 'context/deploy/docker/image-files.cjs')
    const { status, stderr } = spawnSync(process.execPath, [script, join(directory, 'out')], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
  after(() => rmSync(directory, { recursive: true }))

  test('are enough to run on: the packages are those of production, Node.js is the base’s', () => {
    const packages = new Set(productionPackages().map((path) => path.replace('node_modules/', '')))
    for (const name of Object.keys(manifest.dependencies)) assert.ok(packages.has(name), name)
    for (const name of [...Object.keys(manifest.devDependencies), ...Object.keys(manifest.optionalDependencies)])
      assert.ok(!packages.has(name), name)
    const env = { PATH: '', HOME: directory, NODE_DISABLE_COMPILE_CACHE: '1' }
    for (const command of [['--version'], ['config', '--changed'], ['doctor', '--help']]) {
      const ran = spawnSync(process.execPath, [join(laidOut(), 'bin/stave.js'), ...command], { encoding: 'utf8', env })
      assert.deepEqual([ran.status, ran.stderr], [0, ''], command.join(' '))
    }
  })

  test('have no tests, and are there for every user', () => {
    const files = globSync('**/*', { cwd: laidOut() })
    assert.ok(files.length > 500)
    assert.deepEqual(
      files.filter((file) => /\.test\.[cm]?[jt]s$|\.d\.ts$|\.map$|^(?:test|bench|docs)\//.test(file)),
      [],
    )
    const { stdout } = spawnSync('find', [join(directory, 'out/stave'), '!', '-perm', '-o=r'], { encoding: 'utf8' })
    assert.equal(stdout, '')
  })

  test('are what a build with a registry sends to the engine, but for the packages', () => {
    const sent = new Set(read('.dockerignore').split('\n'))
    const parts = /const PARTS = \[([^\]]+)\]/.exec(read('deploy/docker/image-files.cjs'))?.[1] ?? ''
    const names = [...parts.matchAll(/'([^']+)'/g)].map(([, part = '']) => part.replace(/docker\/.*/, 'docker/*.cjs'))
    assert.ok(names.length > 5)
    for (const part of [...names, 'package-lock.json']) assert.ok(sent.has(`!${part}`), part)
  })

  test('probe.cjs ends with 0 where the platform says yes, and with 1 where it says no or nothing', async () => {
    const dataDir = join(directory, 'data')
    mkdirSync(join(dataDir, 'run'), { recursive: true })
    const probe = async (what: string): Promise<readonly unknown[]> => {
      const child = spawn(process.execPath, [join(laidOut(), 'deploy/docker/probe.cjs'), what], {
        env: { STAVE_DATA_DIR: dataDir },
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => void (output += String(chunk)))
      const [code] = (await once(child, 'close')) as [number]
      return [code, output]
    }
    assert.deepEqual(await probe('livez'), [1, ''])
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/livez' ? 200 : 503).end(request.url)
    }).listen(join(dataDir, 'run/admin.sock'))
    await once(server, 'listening')
    try {
      assert.deepEqual(await probe('livez'), [0, '/livez'])
      assert.deepEqual(await probe('readyz'), [1, '/readyz'])
    } finally {
      server.close()
    }
  })
})

test('S1-5: the image runs as an ordinary user, with a health check and a volume', () => {
  const lines = read(DOCKERFILE).split('\n')
  for (const line of ['USER 65532:65532', 'VOLUME /data', 'EXPOSE 3233']) assert.ok(lines.includes(line), line)
  assert.ok(lines.includes('ENTRYPOINT ["node", "/stave/bin/stave.js", "standalone"]'))
  assert.equal(imageVariables()['STAVE_CONTAINERS_PROVIDER'], 'docker')
  assert.match(read(DOCKERFILE), /^HEALTHCHECK .*probe\.cjs", "readyz"\]$/m)
})
