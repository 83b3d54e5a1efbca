/** What deploy/ ships for operators: that it says what the documents say, and that the platform understands all of it. */

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { copyPlatform, productionPackages } from '../deploy/docker/local-context.ts'
import { loadConfig } from '../src/config/load.ts'
import type { LoadedConfig } from '../src/config/load.ts'
import manifest from '../package.json' with { type: 'json' }

const MANIFEST = 'deploy/kubernetes/invoker-dcf.yml'
const SAMPLE = 'deploy/docker/invoker-dcf.env'
const DOCKERFILE = 'deploy/docker/Dockerfile'
const GUIDE = 'docs/docker.md'
const read = (file: string): string => readFileSync(file, 'utf8')

/** What the tests look at of a DaemonSet. */
interface DaemonSet {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: {
    readonly selector: { readonly matchLabels: object }
    readonly template: {
      readonly metadata: { readonly labels: object }
      readonly spec: {
        readonly affinity: { readonly nodeAffinity: object }
        readonly tolerations: readonly object[]
        readonly hostNetwork: boolean
        readonly hostPID?: boolean
        readonly hostIPC?: boolean
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly Container[]
        readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[]
      }
    }
  }
}

interface Probe {
  readonly exec: { readonly command: readonly string[] }
}

interface Container {
  readonly envFrom: readonly object[]
  readonly env: readonly { readonly name: string; readonly valueFrom: object }[]
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly resources: { readonly requests: object; readonly limits: object }
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

function documents(): readonly unknown[] {
  return parseAllDocuments(read(MANIFEST)).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [])
    return document.toJS() as unknown
  })
}

const manifests = documents() as readonly DaemonSet[]
const [namespace] = manifests
const daemonSet = manifests.find(({ kind }) => kind === 'DaemonSet') ?? assert.fail('there is no DaemonSet')
const pod = daemonSet.spec.template.spec
const [container] = pod.containers as readonly [Container]

function variablesOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]))
}

/** What the Dockerfile sets. */
function imageVariables(): Record<string, string> {
  const [, line = ''] = /^ENV (.+)$/m.exec(read(DOCKERFILE)) ?? []
  return variablesOf(line.replaceAll(' ', '\n'))
}

function load(env: Readonly<Record<string, string>>): Promise<LoadedConfig> {
  return loadConfig({
    env,
    flags: {},
    homedir: '/data',
    cwd: '/stave',
    readFile: () => assert.fail('nothing names a file'),
  })
}

/** The table of mounts in the guide: path, and whether one can do without. */
function documentedMounts(): readonly (readonly [string, boolean])[] {
  const [, section = ''] = /^### Mounts$([^]*?)^## /m.exec(read(GUIDE)) ?? []
  return [...section.matchAll(/^\| `(\/[^`]+)`.*\| *([^|]+?) *\|$/gm)].map(([, path = '', spare]) => [
    path,
    spare === 'yes',
  ])
}

describe('the manifest of nodes with a Docker Engine', () => {
  test('S0-5, S0-20: is a DaemonSet for the nodes that are labelled as invokers, and those alone', () => {
    assert.deepEqual([namespace?.kind, namespace?.metadata.name], ['Namespace', 'openwhisk'])
    assert.deepEqual([daemonSet.kind, daemonSet.metadata.namespace], ['DaemonSet', 'openwhisk'])
    assert.deepEqual(daemonSet.spec.selector.matchLabels, daemonSet.spec.template.metadata.labels)
    assert.deepEqual(pod.affinity, {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'openwhisk-role', operator: 'In', values: ['invoker'] }] }],
        },
      },
    })
    assert.deepEqual(pod.tolerations, [
      { key: 'openwhisk-role', operator: 'Equal', value: 'invoker', effect: 'NoSchedule' },
    ])
  })

  test('S0-5: names each platform by its node', async () => {
    const { name, valueFrom } = container.env[0] ?? assert.fail('no variable')
    assert.deepEqual(valueFrom, { fieldRef: { fieldPath: 'spec.nodeName' } })
    assert.equal((await load({ [name]: 'worker-1' })).config.nodeName, 'worker-1')
  })

  test('S0-19: takes its settings from the config map that the documented command makes of the sample', async () => {
    assert.deepEqual(container.envFrom, [{ configMapRef: { name: 'invoker.config' } }])
    const command = `kubectl -n openwhisk create cm invoker.config --from-env-file=${SAMPLE}`
    for (const page of [MANIFEST, GUIDE]) assert.ok(read(page).includes(command), page)
    const { config, warnings } = await load({
      ...imageVariables(),
      ...variablesOf(read(SAMPLE)),
      NODE_NAME: 'worker-1',
    })
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [config.containers.provider, config.host, config.dataDir, config.docker.pause],
      ['docker', '0.0.0.0', '/data', 'docker'],
    )
  })

  test('S0-28, S1-4: mounts of the host what the guide lists, says what is optional, and the sample names those paths', () => {
    const documented = documentedMounts()
    const mounted = pod.volumes.flatMap(({ name, hostPath }) => (hostPath === undefined ? [] : [{ name, ...hostPath }]))
    assert.deepEqual(mounted.map(({ path }) => path).toSorted(), documented.map(([path]) => path).toSorted())
    const text = read(MANIFEST)
    const optional = mounted.filter(({ name }) => new RegExp(`# Optional: .*\\n +- name: ${name}\\n`).test(text))
    assert.deepEqual(
      optional.map(({ path }) => path).toSorted(),
      documented.flatMap(([path, spare]) => (spare ? [path] : [])).toSorted(),
    )
    const inside = new Set(container.volumeMounts.map(({ mountPath }) => mountPath))
    const sample = variablesOf(read(SAMPLE))
    const paths = Object.entries(sample).flatMap(([name, value]) =>
      /PATHS_|DOCKER_HOST/.test(name) ? [value.replace('unix://', '')] : [],
    )
    assert.equal(paths.length, 4)
    for (const path of paths) assert.ok(inside.has(path), path)
  })

  test('S1-5: asks for no privilege', () => {
    assert.deepEqual(container.securityContext, {
      ...{ runAsUser: 0, runAsGroup: 0, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    })
    assert.deepEqual([pod.hostPID, pod.hostIPC], [undefined, undefined])
    assert.doesNotMatch(read(MANIFEST), /privileged: true/)
  })

  test('gives a drain the time that it may take, as the documented docker command does', async () => {
    const { config } = await load(variablesOf(read(SAMPLE)))
    // Containers have half a minute after the grace period (src/containers/docker/docker-container-factory.ts).
    assert.ok(pod.terminationGracePeriodSeconds * 1000 > config.shutdown.graceMs + 30_000)
    assert.ok(read(GUIDE).includes(`--stop-timeout ${pod.terminationGracePeriodSeconds} `))
  })

  test('asks the platform itself whether it is ready, and alive', () => {
    const probe = ({ exec }: Probe): readonly string[] => exec.command
    const script = '/stave/deploy/docker/probe.cjs'
    // Alive is enough to go on with: it may have to wait for the server.
    assert.deepEqual(probe(container.startupProbe), ['node', script, 'livez'])
    assert.deepEqual(probe(container.readinessProbe), ['node', script, 'readyz'])
    assert.deepEqual(probe(container.livenessProbe), ['node', script, 'livez'])
  })
})

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
