/** The chart, rendered by helm itself: each value changes what it says and nothing else, and what is mistyped is refused. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { MANIFEST, plainManifest } from '../../deploy/kubernetes/write-manifest.ts'
import manifest from '../../package.json' with { type: 'json' }
import { PROFILES } from '../../src/containers/docker/host-paths.ts'
import { goClient } from '../clients/go-clients.ts'
import { runHelm } from '../clients/run-helm.ts'
import { CHART, COMPONENTS, EVERYTHING, renderChart } from './render-chart.ts'
import type { KubernetesObject, PodSpec } from './kubernetes-objects.ts'
import {
  containerOf,
  documentedMounts,
  imageVariables,
  loadVariables,
  NODE,
  objectNamed,
  podOf,
  podVariables,
  workloadOf,
} from './kubernetes-objects.ts'

const helm = goClient('helm')
const render = (values?: object): Promise<readonly KubernetesObject[]> => renderChart(helm.path, values)
const hostPaths = ({ volumes }: PodSpec): Readonly<Record<string, string>> =>
  Object.fromEntries(volumes.flatMap(({ name, hostPath }) => (hostPath === undefined ? [] : [[name, hostPath.path]])))

describe('the chart', { skip: helm.missing }, () => {
  test('is without faults to helm, with its own values and with all of them', async () => {
    for (const values of [{}, EVERYTHING]) {
      const { code, out } = await runHelm(helm.path, ['lint', '--strict', CHART], { values })
      assert.deepEqual([code, /0 chart\(s\) failed/.test(out)], [0, true], out)
    }
  })

  test('has the version of the platform', async () => {
    assert.equal(parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')).appVersion, manifest.version)
    const objects = await render()
    for (const component of COMPONENTS)
      assert.equal(containerOf(objects, component).image, `stave/stave:${manifest.version}`)
  })

  test('is what the plain manifest was written from; run npm run manifest', async () => {
    assert.equal(readFileSync(MANIFEST, 'utf8'), await plainManifest(helm.path))
  })

  test('S0-5, S0-20, S1-9: invokers are a DaemonSet on labelled nodes by default, each named by its node, and nobody counts them', async () => {
    const objects = await render()
    assert.equal(workloadOf(objects, 'invoker').kind, 'DaemonSet')
    assert.deepEqual(podOf(objects, 'invoker').affinity, {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'openwhisk-role', operator: 'In', values: ['invoker'] }] }],
        },
      },
    })
    const { env } = containerOf(objects, 'invoker')
    assert.deepEqual(
      env.find(({ name }) => name === 'NODE_NAME'),
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    )
    assert.equal(
      env.some(({ name }) => name === 'INVOKER_COUNT'),
      false,
    )
  })

  test('S0-19: invokers take variables from the config map invoker.config, the chart’s or the operator’s', async () => {
    const data = { CONFIG_whisk_containerFactory_containerArgs_network: 'stave', INVOKER_USE_RUNC: 'false' }
    const made = await render({ invoker: { config: { data } } })
    const map = objectNamed(made, ['ConfigMap'], 'invoker.config') as KubernetesObject & { readonly data: object }
    assert.deepEqual([map.metadata.name, map.data], ['invoker.config', data])
    const found = await render({ invoker: { config: { create: false } } })
    assert.equal(
      found.some(({ kind }) => kind === 'ConfigMap'),
      false,
    )
    for (const objects of [made, found])
      assert.deepEqual(containerOf(objects, 'invoker').envFrom, [{ configMapRef: { name: 'invoker.config' } }])
    const checksum = (objects: readonly KubernetesObject[]): string | undefined =>
      workloadOf(objects, 'invoker').spec.template.metadata.annotations?.['checksum/config']
    assert.notEqual(checksum(made), checksum(await render()))
  })

  test('S0-28, S1-12: nodes give invokers what the guide lists, nothing of it below /usr/lib, and the server nothing', async () => {
    for (const values of [{}, { invoker: { kind: 'StatefulSet' } }]) {
      const objects = await render(values)
      const paths = Object.values(hostPaths(podOf(objects, 'invoker')))
      assert.deepEqual(
        paths.toSorted(),
        documentedMounts()
          .map(([path]) => path)
          .toSorted(),
      )
      assert.deepEqual(
        paths.filter((path) => path.startsWith('/usr/lib')),
        [],
      )
      assert.deepEqual(hostPaths(podOf(objects, 'server')), {})
    }
  })

  for (const [name, volume] of Object.entries({
    cgroup: 'cgroup',
    runc: 'runc',
    containers: 'containers',
    socket: 'docker-socket',
  }))
    test(`S0-30: invoker.paths.${name} changes its volume and nothing else`, async () => {
      const token = { existingSecret: 'mine' }
      const [before, after] = [
        await render({ token }),
        await render({ token, invoker: { paths: { [name]: '/elsewhere' } } }),
      ]
      const changed = podOf(after, 'invoker').volumes.find((each) => each.name === volume)
      assert.equal(changed?.hostPath?.path, '/elsewhere')
      const original = podOf(before, 'invoker').volumes.find((each) => each.name === volume)
      assert.equal(original?.hostPath?.type, changed.hostPath.type)
      const text = JSON.stringify(after).replace('"/elsewhere"', JSON.stringify(original.hostPath.path))
      assert.equal(text, JSON.stringify(before))
    })

  test('S0-28: what is optional can be left out, with the variable that says where it is', async () => {
    const objects = await render({ invoker: { paths: { cgroup: 'none', runc: 'none', containers: 'none' } } })
    assert.deepEqual(hostPaths(podOf(objects, 'invoker')), {
      data: '/var/lib/stave',
      'docker-socket': '/var/run/docker.sock',
    })
    const { env, volumeMounts } = containerOf(objects, 'invoker')
    assert.deepEqual(
      env.filter(({ name }) => name.includes('PATHS')),
      [],
    )
    const volumes = new Set(podOf(objects, 'invoker').volumes.map(({ name }) => name))
    for (const { name } of volumeMounts) assert.ok(volumes.has(name), name)
  })

  test('S0-29: a kind of host has its paths, which are those that the platform knows it by', async () => {
    for (const [hostProfile, { cgroup, runc, containers, socket }] of Object.entries(PROFILES)) {
      const objects = await render({ invoker: { hostProfile } })
      assert.deepEqual(
        hostPaths(podOf(objects, 'invoker')),
        { data: '/var/lib/stave', 'docker-socket': socket, cgroup, runc, containers },
        hostProfile,
      )
      const { config } = await loadVariables(podVariables(containerOf(objects, 'invoker')))
      assert.equal(config.docker.hostProfile, hostProfile)
      // Inside they are always at the same places.
      assert.deepEqual(
        [config.docker.paths.runc, config.docker.paths.containers],
        [PROFILES.debian.runc, PROFILES.debian.containers],
      )
    }
  })

  test('S0-19: every variable that the chart sets is a key that the platform knows', async () => {
    const objects = await render(EVERYTHING)
    for (const component of COMPONENTS) {
      const { config, warnings } = await loadVariables({
        ...imageVariables(),
        ...podVariables(containerOf(objects, component)),
      })
      assert.deepEqual(warnings, [])
      assert.deepEqual(
        [config.containers.provider, config.nodeName],
        component === 'server' ? ['invokers', ''] : ['docker', NODE],
      )
    }
  })

  test('S1-9, S1-10: further variables, annotations and resources are in the pod, and a variable of the chart’s own can be replaced', async () => {
    for (const component of COMPONENTS) {
      const env = [
        { name: 'STAVE_LOG_LEVEL', value: 'debug' },
        { name: 'STAVE_INVOKERS_TOKEN_FILE', value: '/elsewhere' },
        { name: 'STAVE_CONTROLLER_PASSWORD', valueFrom: { secretKeyRef: { name: 'operator', key: 'password' } } },
      ]
      const resources = { requests: { cpu: 2, memory: '3Gi' }, limits: { memory: '3Gi' } }
      const objects = await render({ [component]: { env, resources, podAnnotations: { note: 'mine' } } })
      const container = containerOf(objects, component)
      assert.deepEqual(container.env.slice(-3), env)
      assert.equal(container.env.filter(({ name }) => name === 'STAVE_INVOKERS_TOKEN_FILE').length, 1)
      assert.deepEqual(container.resources, { ...resources, requests: { cpu: 2, memory: '3Gi' } })
      assert.equal(workloadOf(objects, component).spec.template.metadata.annotations?.['note'], 'mine')
    }
  })
})
