/** The chart's values: what is mistyped is refused, each says what it is for, and what is made once is kept. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isMap, isScalar, parseDocument } from 'yaml'
import type { YAMLMap } from 'yaml'
import { goClient } from '../clients/go-clients.ts'
import { runHelm } from '../clients/run-helm.ts'
import type { FakeCluster } from './fake-cluster.ts'
import { startFakeCluster } from './fake-cluster.ts'
import type { KubernetesObject, Service } from './kubernetes-objects.ts'
import { containerOf, objectNamed, podOf, workloadOf } from './kubernetes-objects.ts'
import { CHART, COMPONENTS, EVERYTHING, renderChart } from './render-chart.ts'

const helm = goClient('helm')
const render = (values?: object, cluster?: string): Promise<readonly KubernetesObject[]> =>
  renderChart(helm.path, values, cluster === undefined ? {} : { cluster })

interface Schema {
  readonly additionalProperties?: boolean | Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

interface Value {
  readonly name: string
  readonly comment: string
}

/** Values by their whole names, those that are groups left out; what is free in its form is one value. */
function valuesIn(map: YAMLMap, schema: Schema, prefix = ''): readonly Value[] {
  return map.items.flatMap(({ key, value }) => {
    assert.ok(isScalar(key))
    const name = `${prefix}${String(key.value)}`
    const inner = schema.properties?.[String(key.value)]
    if (isMap(value) && inner?.properties !== undefined) return valuesIn(value, inner, `${name}.`)
    // The comment in front of a map's first key is the map's.
    const comment = key.commentBefore ?? (map.items[0]?.key === key ? map.commentBefore : undefined)
    return [{ name, comment: comment ?? '' }]
  })
}

function namesIn(schema: Schema, prefix = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    inner.properties === undefined ? [`${prefix}${key}`] : namesIn(inner, `${prefix}${key}.`),
  )
}

describe('values of the chart', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema
  const { contents } = parseDocument(readFileSync(`${CHART}/values.yaml`, 'utf8'))
  assert.ok(isMap(contents))
  const values = valuesIn(contents, schema)

  test('each has a comment', () => {
    assert.ok(values.length > 40)
    assert.deepEqual(
      values.filter(({ comment }) => comment.trim().length < 10),
      [],
    )
  })

  test('are those of the schema', () => {
    assert.deepEqual(
      values.map(({ name }) => name).toSorted(),
      // Helm gives `global` to every chart that is part of another.
      namesIn(schema)
        .filter((name) => name !== 'global')
        .toSorted(),
    )
  })
})

/** Values that are refused, and what of them has to be named. */
const REFUSED: readonly (readonly [object, string])[] = [
  [{ serverr: {} }, 'serverr'],
  [{ image: { repositry: 'mine' } }, 'repositry'],
  [{ token: { secret: 'mine' } }, 'secret'],
  [{ token: { key: 'a b' } }, 'token.key'],
  [{ server: { replicas: 2 } }, 'replicas'],
  [{ server: { nodeselector: {} } }, 'nodeselector'],
  [{ server: { service: { type: 'Loadbalancer' } } }, 'server.service.type'],
  [{ server: { service: { port: '80' } } }, 'server.service.port'],
  [{ server: { persistence: { size: '8 GB' } } }, 'server.persistence.size'],
  [{ server: { affinity: { nodeAfinity: {} } } }, 'nodeAfinity'],
  [{ server: { resources: { limit: {} } } }, 'limit'],
  [{ server: { env: { STAVE_PORT: '1' } } }, 'server.env'],
  [{ server: { env: [{ name: 'STAVE_PORT', vaule: '1' }] } }, 'vaule'],
  [{ invoker: { kind: 'Deployment' } }, 'invoker.kind'],
  [{ invoker: { replicas: 1.5 } }, 'invoker.replicas'],
  [{ invoker: { paths: { cgruop: '/cgroup' } } }, 'cgruop'],
  [{ invoker: { paths: { runc: 'run/runc' } } }, 'invoker.paths.runc'],
  [{ invoker: { paths: { socket: 'none' } } }, 'invoker.paths.socket'],
  [{ invoker: { hostProfile: 'centos' } }, 'invoker.hostProfile'],
  [{ invoker: { config: { data: { STAVE_CONTAINERS_MEMORY_MB: 4096 } } } }, 'STAVE_CONTAINERS_MEMORY_MB'],
  [{ invoker: { tolerations: { key: 'a' } } }, 'invoker.tolerations'],
  [{ invoker: { podAnnotations: { note: 1 } } }, 'invoker.podAnnotations.note'],
  [{ networkPolicy: { nodeCidrs: ['10.0.0.1'] } }, 'networkPolicy.nodeCidrs'],
]

describe('the chart', { skip: helm.missing }, () => {
  test('refuses values that are mistyped, by their names', async () => {
    for (const [values, name] of REFUSED) {
      const { code, err } = await runHelm(helm.path, ['template', 'stave', CHART], { values })
      assert.equal(code, 1, JSON.stringify(values))
      const [, reason = ''] = /specifications of the schema[^]*\n- (.+)/.exec(err) ?? []
      assert.ok(reason.includes(name), `${name}: ${err}`)
    }
  })

  const tokenOf = (objects: readonly KubernetesObject[], key = 'token'): string => {
    const secret = objectNamed(objects, ['Secret'], 'stave-invokers-token')
    const data = 'data' in secret ? (secret.data as Readonly<Record<string, string>>) : {}
    return Buffer.from(data[key] ?? '', 'base64').toString()
  }

  async function withCluster(
    secrets: Parameters<typeof startFakeCluster>[0],
    look: (cluster: FakeCluster) => Promise<void>,
  ): Promise<void> {
    const cluster = await startFakeCluster(secrets)
    try {
      await look(cluster)
    } finally {
      await cluster.close()
    }
  }

  test('makes up a token where there is none, and keeps the one that is there', async () => {
    await withCluster({}, async ({ url }) => {
      const [one, other] = [tokenOf(await render({}, url)), tokenOf(await render({}, url))]
      assert.match(one, /^[A-Za-z0-9]{48}$/)
      assert.notEqual(one, other)
    })
    const kept = 'made by an earlier installation'
    await withCluster({ 'stave-invokers-token': { token: Buffer.from(kept).toString('base64') } }, async (cluster) => {
      assert.equal(tokenOf(await render({}, cluster.url)), kept)
      assert.ok(cluster.asked.includes('/api/v1/namespaces/openwhisk/secrets/stave-invokers-token'))
      // Of another key there is none yet.
      assert.match(tokenOf(await render({ token: { key: 'other' } }, cluster.url), 'other'), /^[A-Za-z0-9]{48}$/)
    })
  })

  test('takes the token of a secret that is named, and makes none then', async () => {
    const objects = await render({ token: { existingSecret: 'mine', key: 'shared' } })
    assert.equal(
      objects.some(({ kind }) => kind === 'Secret'),
      false,
    )
    for (const component of COMPONENTS)
      assert.partialDeepStrictEqual(
        podOf(objects, component).volumes.find(({ name }) => name === 'token'),
        { secret: { secretName: 'mine', items: [{ key: 'shared', path: 'token' }] } },
      )
  })

  test('tells commands after an installation whose objects there are', async () => {
    for (const values of [{}, { invoker: { kind: 'StatefulSet', config: { create: false } } }])
      await withCluster({}, async ({ url: cluster }) => {
        const args = [
          'install',
          'stave',
          CHART,
          '--namespace',
          'openwhisk',
          '--dry-run=client',
          '--disable-openapi-validation',
        ]
        const { code, out, err } = await runHelm(helm.path, args, { values, cluster })
        assert.equal(code, 0, err)
        const [, notes = ''] = out.split('\nNOTES:\n')
        const names = new Set((await render(values)).map(({ metadata }) => metadata.name))
        const told = [...notes.matchAll(/(?:statefulset|service)\/(\S+)|exec (\S+)-0 /g)].map(
          ([, object, pod]) => object ?? pod ?? '',
        )
        assert.ok(told.length >= 2)
        for (const name of told) assert.ok(names.has(name), name)
        assert.equal(notes.includes('create cm invoker.config'), 'invoker' in values)
        assert.equal(notes.includes('kubectl label node'), !('invoker' in values))
      })
  })

  test('shows the API alone to the outside, whatever its service is', async () => {
    const objects = await render(EVERYTHING)
    const [api, server] = ['-api', '-server'].map((end) => objectNamed(objects, ['Service'], end) as Service)
    assert.deepEqual([api?.spec.type, server?.spec.type], ['LoadBalancer', 'ClusterIP'])
    assert.deepEqual(api?.spec.ports, [{ name: 'api', port: 3233, targetPort: 'api', nodePort: 30_233 }])
    assert.deepEqual(api.metadata.annotations, { internal: 'yes' })
    assert.deepEqual(api.spec.selector, workloadOf(objects, 'server').spec.selector.matchLabels)
    const inside = objectNamed(await render(), ['Service'], '-api') as Service
    assert.equal(inside.spec.ports[0]?.nodePort, undefined)
  })

  test('lets nobody but the nodes reach the invokers’ port, where it is told which those are', async () => {
    const policies = (objects: readonly KubernetesObject[]): readonly KubernetesObject[] =>
      objects.filter(({ kind }) => kind === 'NetworkPolicy')
    assert.deepEqual(policies(await render()), [])
    const objects = await render({ networkPolicy: { nodeCidrs: ['10.0.0.0/16', 'fd00::/64'] } })
    const [policy, ...more] = policies(objects)
    assert.deepEqual(more, [])
    assert.partialDeepStrictEqual(policy, {
      spec: {
        podSelector: { matchLabels: workloadOf(objects, 'server').spec.selector.matchLabels },
        policyTypes: ['Ingress'],
        ingress: [
          { ports: [{ port: 'api', protocol: 'TCP' }] },
          {
            ports: [{ port: 'invokers', protocol: 'TCP' }],
            from: [{ ipBlock: { cidr: '10.0.0.0/16' } }, { ipBlock: { cidr: 'fd00::/64' } }],
          },
        ],
      },
    })
    assert.deepEqual(
      containerOf(objects, 'server').ports?.map(({ name }) => name),
      ['api', 'invokers'],
    )
  })

  test('asks for the volume that it is told to, and of no class where none is given', async () => {
    const claim = (objects: readonly KubernetesObject[]) =>
      workloadOf(objects, 'server').spec.volumeClaimTemplates?.[0]?.spec
    assert.partialDeepStrictEqual(
      claim(await render({ server: { persistence: { size: '20Gi', storageClass: 'fast' } } })),
      {
        storageClassName: 'fast',
        resources: { requests: { storage: '20Gi' } },
      },
    )
    assert.equal(claim(await render())?.storageClassName, undefined)
  })

  test('pulls its image as it is told, with the credentials that it is given', async () => {
    const image = { repository: 'registry.example.org/team/stave', tag: '9.9.9', pullSecrets: ['one', 'two'] }
    const objects = await render({ image })
    for (const component of COMPONENTS) {
      assert.equal(containerOf(objects, component).image, 'registry.example.org/team/stave:9.9.9')
      assert.deepEqual(podOf(objects, component).imagePullSecrets, [{ name: 'one' }, { name: 'two' }])
    }
  })

  test('has names of workloads that Kubernetes can add a hash to, however long they are', async () => {
    const objects = await render({ fullnameOverride: 'a-name-of-fifty-letters-that-goes-on-for-too-long-xx' })
    for (const component of COMPONENTS) {
      const { name } = workloadOf(objects, component).metadata
      assert.ok(name.startsWith('a-name-of-fifty') && name.length + '-0123456789'.length <= 63, name)
    }
  })
})
