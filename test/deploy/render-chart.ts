/** The chart as objects. */

import assert from 'node:assert/strict'
import { runHelm } from '../clients/run-helm.ts'
import type { HelmOptions } from '../clients/run-helm.ts'
import type { KubernetesObject } from './kubernetes-objects.ts'
import { objectsOf } from './kubernetes-objects.ts'

export const CHART = 'deploy/helm/stave'
export const COMPONENTS = ['server', 'invoker'] as const

/** Values under which everything that the chart can have is there. */
export const EVERYTHING = {
  image: { pullSecrets: ['registry'] },
  server: { service: { type: 'LoadBalancer', nodePort: 30_233, annotations: { internal: 'yes' } } },
  invoker: { kind: 'StatefulSet', hostProfile: 'cos', config: { data: { STAVE_CONTAINERS_MEMORY_MB: '4096' } } },
  networkPolicy: { nodeCidrs: ['10.0.0.0/16'] },
}

/** As the release `stave` in the namespace `openwhisk`; with a cluster, what is there is looked up. */
export async function renderChart(
  helm: string,
  values: object = {},
  { cluster }: Pick<HelmOptions, 'cluster'> = {},
): Promise<readonly KubernetesObject[]> {
  const args = ['template', 'stave', CHART, '--namespace', 'openwhisk']
  const options = cluster === undefined ? { values } : { values, cluster }
  const { code, out, err } = await runHelm(helm, cluster === undefined ? args : [...args, '--dry-run=server'], options)
  assert.equal(code, 0, err)
  return objectsOf(out)
}
