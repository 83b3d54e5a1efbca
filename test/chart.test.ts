/** The Helm chart, rendered by Helm itself: what each value changes, that nothing else does, and that the platform understands what it is given. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { MANIFEST, render, renderManifest } from '../deploy/kubernetes/render.ts'
import { loadConfig } from '../src/config/load.ts'
import manifest from '../package.json' with { type: 'json' }
import { goClient } from './clients/go-clients.ts'

const CHART = 'deploy/helm/stave'
const { path: helm, missing } = goClient('helm')
const skip = missing === false ? {} : { skip: `helm: ${missing}` }

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: object
}

interface Container {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly env: readonly Variable[]
  readonly envFrom?: readonly object[]
  readonly resources: object
  readonly securityContext: object
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
}

interface Volume {
  readonly name: string
  readonly hostPath?: { readonly path: string }
}

interface Pod {
  readonly containers: readonly [Container]
  readonly volumes: readonly Volume[]
  readonly securityContext: object
  readonly hostNetwork?: boolean
  readonly [field: string]: unknown
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec: {
    readonly replicas?: number
    readonly template: { readonly spec: Pod; readonly metadata: { readonly annotations?: object } }
    readonly [field: string]: unknown
  }
}

function rendered(values: object = {}): readonly Manifest[] {
  const args = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`])
  return parseAllDocuments(render(helm, args)).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [])
    return document.toJS() as Manifest
  })
}

/** The workload of a component. */
function workload(component: 'server' | 'invoker', values: object = {}): Manifest {
  const name = component === 'server' ? 'stave' : 'stave-invoker'
  const found = rendered(values).filter(
    ({ kind, metadata }) => /^(?:StatefulSet|DaemonSet)$/.test(kind) && metadata.name === name,
  )
  assert.equal(found.length, 1)
  return found[0] ?? assert.fail()
}

const podOf = (component: 'server' | 'invoker', values: object = {}): Pod =>
  workload(component, values).spec.template.spec

const hostPaths = ({ volumes }: Pod): Readonly<Record<string, string>> =>
  Object.fromEntries(volumes.flatMap(({ name, hostPath }) => (hostPath === undefined ? [] : [[name, hostPath.path]])))

/** What Helm says where it refuses values. */
function refusal(values: object): string {
  try {
    rendered(values)
  } catch (error) {
    return String(error)
  }
  return assert.fail('it was not refused')
}

/** Each field of S1-10 with a value that is not the default. */
const PLACEMENT = {
  nodeSelector: { disk: 'fast' },
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
  tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }],
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { a: 'b' } } },
  ],
}

/** Values that `--set-json` merges into the invoker's defaults: what is not wanted any more has to be said. */
const WITHOUT_DEFAULTS: Readonly<Record<string, object>> = {
  affinity: { ...PLACEMENT.affinity, nodeAffinity: null },
}

describe('the chart', skip, () => {
  test('passes helm lint, and has the version of the platform', () => {
    const { status, stdout } = spawnSync(helm, ['lint', '--strict', CHART], { encoding: 'utf8', env: { PATH: '' } })
    assert.equal(status, 0, stdout)
    const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as { readonly appVersion: string }
    assert.equal(chart.appVersion, manifest.version)
    assert.equal(podOf('server').containers[0].image, `stave/stave:${manifest.version}`)
  })

  for (const component of ['server', 'invoker'] as const) {
    for (const [field, value] of Object.entries(PLACEMENT)) {
      test(`S1-10: ${component}.${field} is the pods’, and changes nothing else`, () => {
        const given = { [`${component}.${field}`]: (component === 'invoker' && WITHOUT_DEFAULTS[field]) || value }
        const pod = podOf(component, given)
        assert.deepEqual(pod[field], value)
        const { [field]: _given, ...rest } = pod
        const { [field]: _default, ...restBefore } = podOf(component)
        assert.deepEqual(rest, restBefore)
        const other = component === 'server' ? 'invoker' : 'server'
        assert.deepEqual(podOf(other, given), podOf(other))
      })
    }

    test(`${component}: resources, annotations and variables are those that are given`, () => {
      const resources = { limits: { memory: '3Gi' }, requests: { cpu: '2', memory: '3Gi' } }
      const env = [{ name: 'STAVE_LOG_LEVEL', value: 'debug' }]
      const annotations = { team: 'functions' }
      const { spec } = workload(component, {
        [`${component}.resources`]: resources,
        [`${component}.env`]: env,
        [`${component}.podAnnotations`]: annotations,
      })
      const [container] = spec.template.spec.containers
      assert.deepEqual(container.resources, resources)
      assert.deepEqual(container.env.slice(-1), env)
      assert.equal(new Map(Object.entries(spec.template.metadata.annotations ?? {})).get('team'), 'functions')
    })

    test(`${component}: every variable is one that the platform knows, and both find each other`, async () => {
      const [container] = podOf(component).containers
      const given = container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))
      const { config, warnings } = await loadConfig({
        env: { ...Object.fromEntries(given), STAVE_DATA_DIR: '/data', NODE_NAME: 'worker-1' },
        flags: {},
        homedir: '/data',
        cwd: '/stave',
        readFile: (path) => (path === '/token/token' ? 'a token of the tests' : assert.fail(path)),
      })
      assert.deepEqual(warnings, [])
      assert.equal(config.invokers.token, 'a token of the tests')
      const service = rendered().find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'stave-invokers')
      assert.ok(service !== undefined)
      if (component === 'server') {
        assert.deepEqual([config.containers.provider, config.invokers.listen], ['invokers', '0.0.0.0:3234'])
        assert.deepEqual(
          container.ports?.map(({ name, containerPort }) => [name, containerPort]),
          [
            ['api', config.port],
            ['invokers', 3234],
          ],
        )
      } else {
        assert.equal(config.invokers.url, 'ws://stave-invokers.openwhisk.svc:3234')
        assert.equal(config.containers.apiHost, 'http://stave.openwhisk.svc:3233')
        assert.equal(config.nodeName, 'worker-1')
      }
    })
  }

  test('S0-5, S0-20: one invoker on each labelled node, named by it', () => {
    const { kind, spec } = workload('invoker')
    assert.equal(kind, 'DaemonSet')
    const pod = spec.template.spec
    assert.deepEqual(pod['affinity'], {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'openwhisk-role', operator: 'In', values: ['invoker'] }] }],
        },
      },
    })
    const [container] = pod.containers
    assert.deepEqual(container.command, ['node', '/stave/bin/stave.js', 'invoker'])
    assert.deepEqual(
      container.env.find(({ name }) => name === 'NODE_NAME'),
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    )
  })

  test('S1-8: replicas alone are how many invokers there are, where they are asked for by number', () => {
    for (const replicas of [1, 5, 2]) {
      const { kind, spec } = workload('invoker', { 'invoker.kind': 'StatefulSet', 'invoker.replicas': replicas })
      assert.deepEqual([kind, spec.replicas], ['StatefulSet', replicas])
      const labels = { name: 'stave', instance: 'stave', component: 'invoker' }
      const matchLabels = Object.fromEntries(
        Object.entries(labels).map(([label, value]) => [`app.kubernetes.io/${label}`, value]),
      )
      assert.deepEqual(spec.template.spec['affinity'], {
        ...Object(workload('invoker').spec.template.spec['affinity']),
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } },
          ],
        },
      })
      assert.deepEqual(
        spec.template.spec.containers[0].env.filter(({ name }) => /COUNT|REPLICAS/.test(name)),
        [],
      )
    }
  })

  test('S0-19: the invokers’ settings are the config map invoker.config, made of values or by the operator', () => {
    const values = { 'invoker.config.data': { STAVE_CONTAINERS_MEMORY_MB: '2048' } }
    const map = rendered(values).find(({ kind }) => kind === 'ConfigMap')
    assert.deepEqual([map?.metadata.name, map?.metadata.namespace], ['invoker.config', 'openwhisk'])
    assert.deepEqual(map?.data, { STAVE_CONTAINERS_MEMORY_MB: '2048' })
    assert.deepEqual(podOf('invoker').containers[0].envFrom, [{ configMapRef: { name: 'invoker.config' } }])
    assert.equal(
      rendered({ 'invoker.config.create': false }).some(({ kind }) => kind === 'ConfigMap'),
      false,
    )
    const checksum = (values: object): unknown => workload('invoker', values).spec.template.metadata.annotations
    assert.notDeepEqual(checksum(values), checksum({}))
  })

  test('S0-30: each path is a value of its own, and changes its own volume alone', () => {
    const before = podOf('invoker')
    const volumeOf = { dockerSocket: 'docker-socket', cgroup: 'cgroup', runc: 'runc', containers: 'containers' }
    for (const [value, volume] of Object.entries(volumeOf)) {
      const after = podOf('invoker', { [`invoker.paths.${value}`]: '/elsewhere' })
      assert.deepEqual(hostPaths(after), { ...hostPaths(before), [volume]: '/elsewhere' })
      assert.deepEqual({ ...after, volumes: [] }, { ...before, volumes: [] })
    }
    for (const optional of ['cgroup', 'runc', 'containers']) {
      const { [optional]: _gone, ...others } = hostPaths(before)
      assert.deepEqual(hostPaths(podOf('invoker', { [`invoker.paths.${optional}`]: '' })), others)
    }
  })

  test('S0-28, S1-12: of the host the invokers mount what the guide lists, the server nothing, and nobody below /usr/lib', () => {
    const [, section = ''] = /^### Mounts$([^]*?)^## /m.exec(readFileSync('docs/docker.md', 'utf8')) ?? []
    const documented = [...section.matchAll(/^\| `(\/[^`]+)`/gm)].map(([, path]) => path)
    assert.deepEqual(new Set(Object.values(hostPaths(podOf('invoker')))), new Set(documented))
    assert.deepEqual(hostPaths(podOf('server')), {})
    assert.doesNotMatch(render(helm), /\/usr\/lib|privileged: true/)
  })

  test('S1-5: neither asks for a privilege; the server is an ordinary user', () => {
    const none = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
    assert.deepEqual(podOf('server').containers[0].securityContext, none)
    const pod = podOf('server')
    assert.deepEqual(pod.securityContext, {
      ...{ runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
      seccompProfile: { type: 'RuntimeDefault' },
    })
    assert.equal(pod.hostNetwork, undefined)
    assert.deepEqual(podOf('invoker').containers[0].securityContext, { ...none, runAsUser: 0, runAsGroup: 0 })
  })

  test('the token is made up where none is named, and never in the pods', () => {
    const secret = rendered().find(({ kind }) => kind === 'Secret')
    assert.match(Buffer.from(secret?.data?.['token'] ?? '', 'base64').toString(), /^[A-Za-z0-9]{40}$/)
    const own = rendered({ 'token.existingSecret': 'mine' })
    assert.equal(
      own.some(({ kind }) => kind === 'Secret'),
      false,
    )
    for (const component of ['server', 'invoker'] as const) {
      const { volumes } = podOf(component, { 'token.existingSecret': 'mine' })
      assert.deepEqual(
        volumes.find(({ name }) => name === 'token'),
        { name: 'token', secret: { secretName: 'mine' } },
      )
    }
  })

  test('the network policy lets the named ranges register, and everybody call the API', () => {
    const policy = rendered({ 'networkPolicy.enabled': true, 'networkPolicy.invokersFrom': ['10.0.0.0/16'] }).find(
      ({ kind }) => kind === 'NetworkPolicy',
    )
    assert.deepEqual(policy?.spec['ingress'], [
      { ports: [{ port: 'api' }] },
      { ports: [{ port: 'invokers' }], from: [{ ipBlock: { cidr: '10.0.0.0/16' } }] },
    ])
    assert.equal(
      rendered().some(({ kind }) => kind === 'NetworkPolicy'),
      false,
    )
  })

  for (const [values, message] of [
    [{ 'invoker.replica': 3 }, /replica/],
    [{ 'invoker.kind': 'Deployment' }, /invoker\.kind|kind/],
    [{ 'invoker.replicas': 'five' }, /replicas/],
    [{ 'server.nodeSelector': ['a'] }, /nodeSelector/],
    [{ 'invoker.paths.dockerSocket': '' }, /dockerSocket/],
    [{ 'networkPolicy.invokersFrom': '10.0.0.0/16' }, /invokersFrom/],
  ] as const) {
    test(`refuses ${JSON.stringify(values)} with its name`, () => {
      assert.match(refusal(values), message)
    })
  }

  test('S0-20: the plain manifest is the chart’s (node deploy/kubernetes/render.ts writes it anew)', () => {
    assert.equal(readFileSync(MANIFEST, 'utf8'), renderManifest(helm))
  })
})
