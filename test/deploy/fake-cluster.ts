/** An API server that has secrets and nothing else, for what helm asks before it changes anything: what there is, and which kinds are known. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeCluster {
  readonly url: string
  /** Paths that were asked for, in their order. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update']
const GROUPS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  v1: [
    ['secrets', 'Secret'],
    ['configmaps', 'ConfigMap'],
    ['services', 'Service'],
  ],
  'apps/v1': [
    ['daemonsets', 'DaemonSet'],
    ['statefulsets', 'StatefulSet'],
  ],
  'networking.k8s.io/v1': [['networkpolicies', 'NetworkPolicy']],
}

/** `secrets` are those of the namespace `openwhisk` by their names, values in base64. */
export async function startFakeCluster(
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<FakeCluster> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://cluster')
    asked.push(pathname)
    const found = answerTo(pathname, secrets)
    response.writeHead(found === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(
      JSON.stringify(found ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answerTo(
  path: string,
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
): object | undefined {
  if (path === '/version') return { major: '1', minor: '28', gitVersion: 'v1.28.0' }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis')
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: Object.keys(GROUPS).slice(1).map(group) }
  const kinds = GROUPS[path.replace(/^\/apis?\//, '')]
  if (kinds !== undefined) return resources(path.replace(/^\/apis?\//, ''), kinds)
  if (path === '/api/v1/namespaces/openwhisk/secrets') return { kind: 'SecretList', apiVersion: 'v1', items: [] }
  const name = /^\/api\/v1\/namespaces\/openwhisk\/secrets\/(.+)$/.exec(path)?.[1] ?? ''
  const data = secrets[name]
  return data && { kind: 'Secret', apiVersion: 'v1', metadata: { name, namespace: 'openwhisk' }, data }
}

function group(groupVersion: string): object {
  const [name, version] = groupVersion.split('/')
  return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
}

function resources(groupVersion: string, kinds: readonly (readonly [string, string])[]): object {
  const list = kinds.map(([name, kind]) => ({ name, kind, namespaced: true, singularName: '', verbs: VERBS }))
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: list }
}
