/** What the tests look at of objects for a cluster, and the settings that a pod's variables make. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadedConfig } from '../../src/config/load.ts'

export const DOCKERFILE = 'deploy/docker/Dockerfile'
export const GUIDE = 'docs/docker.md'

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

/** A DaemonSet or a StatefulSet. */
export interface Workload extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number
    readonly selector: { readonly matchLabels: object }
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>
        readonly annotations?: Readonly<Record<string, string>>
      }
      readonly spec: PodSpec
    }
    readonly volumeClaimTemplates?: readonly {
      readonly metadata: { readonly name: string }
      readonly spec: {
        readonly storageClassName?: string
        readonly resources: { readonly requests: { readonly storage: string } }
      }
    }[]
  }
}

export interface PodSpec {
  readonly nodeSelector?: object
  readonly affinity?: { readonly [kind: string]: object }
  readonly tolerations?: readonly object[]
  readonly topologySpreadConstraints?: readonly object[]
  readonly imagePullSecrets?: readonly object[]
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: object
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
}

export interface Volume {
  readonly name: string
  readonly hostPath?: { readonly path: string; readonly type: string }
  readonly secret?: {
    readonly secretName: string
    readonly items: readonly { readonly key: string; readonly path: string }[]
  }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly envFrom?: readonly object[]
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly resources?: object
  readonly securityContext: object
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface Probe {
  readonly exec: { readonly command: readonly string[] }
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly type: string
    readonly publishNotReadyAddresses?: boolean
    readonly selector: object
    readonly ports: readonly {
      readonly name: string
      readonly port: number
      readonly targetPort: string
      readonly nodePort?: number
    }[]
  }
}

/** The documents of a text, which have to be without faults. */
export function objectsOf(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [])
    const object = document.toJS() as KubernetesObject | null
    return object === null ? [] : [object]
  })
}

/** The one of its kinds whose name ends so. */
export function objectNamed(
  objects: readonly KubernetesObject[],
  kinds: readonly string[],
  end: string,
): KubernetesObject {
  const found = objects.filter(({ kind, metadata }) => kinds.includes(kind) && metadata.name.endsWith(end))
  assert.equal(found.length, 1, `${kinds.join(', ')} …${end}`)
  return found[0] ?? assert.fail()
}

export function workloadOf(objects: readonly KubernetesObject[], component: 'server' | 'invoker'): Workload {
  return objectNamed(objects, ['DaemonSet', 'StatefulSet'], `-${component}`) as Workload
}

export function podOf(objects: readonly KubernetesObject[], component: 'server' | 'invoker'): PodSpec {
  return workloadOf(objects, component).spec.template.spec
}

/** Each pod has one container. */
export function containerOf(objects: readonly KubernetesObject[], component: 'server' | 'invoker'): Container {
  const { containers } = podOf(objects, component)
  assert.equal(containers.length, 1)
  return containers[0] ?? assert.fail()
}

/** Of a file with a variable a line. */
export function variablesOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]))
}

/** What the Dockerfile sets. */
export function imageVariables(): Record<string, string> {
  const [, line = ''] = /^ENV (.+)$/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? []
  return variablesOf(line.replaceAll(' ', '\n'))
}

export const NODE = 'worker-1'

/** What a pod's container is told; what its fields of the pod say, too. */
export function podVariables({ env }: Container): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value = NODE }) => [name, value]))
}

/** The configuration that these variables make in the image; one that is not known is an error. */
export function loadVariables(env: Readonly<Record<string, string>>): Promise<LoadedConfig> {
  return loadConfig({
    env,
    flags: {},
    homedir: '/data',
    cwd: '/stave',
    readFile: (file) => {
      assert.equal(file, '/run/secrets/stave/token')
      return 'a token of the test’s, long enough'
    },
  })
}

/** The table of mounts in the guide: path, and whether one can do without. */
export function documentedMounts(): readonly (readonly [string, boolean])[] {
  const [, section = ''] = /^### Mounts$([^]*?)^## /m.exec(readFileSync(GUIDE, 'utf8')) ?? []
  return [...section.matchAll(/^\| `(\/[^`]+)`.*\| *([^|]+?) *\|$/gm)].map(([, path = '', spare]) => [
    path,
    spare === 'yes',
  ])
}
