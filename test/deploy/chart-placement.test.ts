/** Where the chart lets pods run, and how many of them: what is given is in the pods, and nothing else changes. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { goClient } from '../clients/go-clients.ts'
import type { KubernetesObject, PodSpec } from './kubernetes-objects.ts'
import { podOf, workloadOf } from './kubernetes-objects.ts'
import { COMPONENTS, renderChart } from './render-chart.ts'

const helm = goClient('helm')
const render = (values?: object): Promise<readonly KubernetesObject[]> => renderChart(helm.path, values)

/** Values that no default has, of each field. */
const PLACEMENT: Readonly<Record<string, object>> = {
  nodeSelector: { disk: 'ssd', 'example.org/pool': 'functions' },
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 7, preference: { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a', 'b'] }] } },
      ],
    },
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'database' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  },
  tolerations: [{ key: 'spot', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { 'app.kubernetes.io/name': 'stave' } },
    },
  ],
}

describe('placement by the chart', { skip: helm.missing }, () => {
  for (const component of COMPONENTS)
    for (const [field, given] of Object.entries(PLACEMENT))
      test(`S1-10: ${component}.${field} is in its pod as it is given, and changes nothing else`, async () => {
        const kinds = component === 'invoker' ? ['DaemonSet', 'StatefulSet'] : ['StatefulSet']
        for (const kind of kinds) {
          const values = { token: { existingSecret: 'mine' }, invoker: { kind } }
          const plain = await render(values)
          const set = await render({
            ...values,
            [component]: { ...(component === 'invoker' && { kind }), [field]: given },
          })
          assert.deepEqual({ ...podOf(set, component) }[field as keyof PodSpec], given)
          assert.deepEqual(withoutField(set, component, field), withoutField(plain, component, field))
        }
      })

  test('S1-8: a StatefulSet has as many as it is told, one on a node, and the number is all that tells two sizes apart', async () => {
    const values = (replicas: number) => ({
      token: { existingSecret: 'mine' },
      invoker: { kind: 'StatefulSet', replicas },
    })
    const [one, five] = [await render(values(1)), await render(values(5))]
    const { spec } = workloadOf(five, 'invoker')
    assert.deepEqual([workloadOf(one, 'invoker').spec.replicas, spec.replicas], [1, 5])
    assert.deepEqual(spec.template.spec.affinity?.['podAntiAffinity'], {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: spec.template.metadata.labels }, topologyKey: 'kubernetes.io/hostname' },
      ],
    })
    assert.ok(spec.template.spec.affinity['nodeAffinity'])
    const uncounted = (objects: readonly KubernetesObject[]): object =>
      objects.map((object) => ({
        ...object,
        ...('spec' in object && { spec: Object.assign({}, object.spec, { replicas: 0 }) }),
      }))
    assert.deepEqual(uncounted(five), uncounted(one))
  })

  test('S1-8: a StatefulSet that is told other affinities still has one on a node', async () => {
    const affinity = { nodeAffinity: PLACEMENT['affinity'] }
    const objects = await render({ invoker: { kind: 'StatefulSet', affinity } })
    const given = podOf(objects, 'invoker').affinity
    assert.deepEqual(given?.['nodeAffinity'], affinity.nodeAffinity)
    assert.ok(given?.['podAntiAffinity'])
  })
})

/** The objects, but for a field of the pods of a component. */
function withoutField(
  objects: readonly KubernetesObject[],
  component: (typeof COMPONENTS)[number],
  field: string,
): object {
  const workload = workloadOf(objects, component)
  const { spec } = workload
  const pod = { ...spec.template.spec, [field]: undefined }
  const rest = { ...workload, spec: { ...spec, template: { ...spec.template, spec: pod } } }
  return objects.map((object) => (object === workload ? rest : object))
}
