/** The manifest for a cluster: that it says what the documents say, that its parts fit each other, and that the platform understands all of it. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Probe, Service } from './kubernetes-objects.ts'
import {
  containerOf,
  DOCKERFILE,
  documentedMounts,
  GUIDE,
  imageVariables,
  loadVariables,
  NODE,
  objectNamed,
  objectsOf,
  podOf,
  podVariables,
  variablesOf,
  workloadOf,
} from './kubernetes-objects.ts'

const MANIFEST = 'deploy/kubernetes/invoker-dcf.yml'
const SAMPLE = 'deploy/docker/invoker-dcf.env'
const read = (file: string): string => readFileSync(file, 'utf8')

const objects = objectsOf(read(MANIFEST))
const pod = podOf(objects, 'invoker')
const invoker = containerOf(objects, 'invoker')
const server = containerOf(objects, 'server')

describe('the manifest of a cluster whose nodes have a Docker Engine', () => {
  const probe = ({ exec }: Probe): readonly string[] => exec.command

  test('S0-5, S0-20: has a DaemonSet for the nodes that are labelled as invokers, and those alone', () => {
    const daemonSet = workloadOf(objects, 'invoker')
    assert.deepEqual([objects[0]?.kind, objects[0]?.metadata.name], ['Namespace', 'openwhisk'])
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

  test('S0-5: has one server beside them, whose volume outlives it', () => {
    const { kind, spec } = workloadOf(objects, 'server')
    assert.deepEqual([kind, spec.replicas], ['StatefulSet', 1])
    assert.deepEqual(
      spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name),
      ['data'],
    )
    assert.ok(server.volumeMounts.some(({ name, mountPath }) => name === 'data' && mountPath === '/data'))
  })

  test('S0-5: names each invoker by its node', async () => {
    const { name, valueFrom } = invoker.env[0] ?? assert.fail('no variable')
    assert.deepEqual([name, valueFrom], ['NODE_NAME', { fieldRef: { fieldPath: 'spec.nodeName' } }])
    assert.equal((await loadVariables({ [name]: NODE })).config.nodeName, NODE)
  })

  test('starts the roles of the image’s executable', () => {
    const entry = /^ENTRYPOINT (.+)$/m.exec(read(DOCKERFILE))?.[1] ?? ''
    assert.deepEqual(server.command, JSON.parse(entry))
    assert.deepEqual(invoker.command, [...server.command.slice(0, -1), 'invoker'])
  })

  test('S0-19: takes its settings from the config map that the documented command makes of the sample', async () => {
    assert.deepEqual(invoker.envFrom, [{ configMapRef: { name: 'invoker.config' } }])
    const command = `kubectl -n openwhisk create cm invoker.config --from-env-file=${SAMPLE}`
    for (const page of [MANIFEST, GUIDE]) assert.ok(read(page).includes(command), page)
    const { config, warnings } = await loadVariables({
      ...imageVariables(),
      ...variablesOf(read(SAMPLE)),
      ...podVariables(invoker),
    })
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [config.containers.provider, config.nodeName, config.dataDir, config.docker.pause],
      ['docker', NODE, '/data', 'docker'],
    )
  })

  test('the server listens where its services lead, and where invokers dial', async () => {
    const variables = podVariables(server)
    const { config, warnings } = await loadVariables({ ...imageVariables(), ...variables })
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [config.containers.provider, config.host, config.dataDir],
      ['invokers', '0.0.0.0', imageVariables()['STAVE_DATA_DIR']],
    )
    assert.deepEqual(server.ports, [
      { name: 'api', containerPort: config.port },
      { name: 'invokers', containerPort: 3234 },
    ])
    assert.equal(variables['STAVE_INVOKERS_LISTEN'], '0.0.0.0:3234')
    const { metadata, spec } = objectNamed(objects, ['Service'], '-server') as Service
    assert.deepEqual(spec.selector, workloadOf(objects, 'server').spec.selector.matchLabels)
    assert.deepEqual(spec.ports, [
      { name: 'api', port: 3233, targetPort: 'api' },
      { name: 'invokers', port: 3234, targetPort: 'invokers' },
    ])
    // A server that has no invoker yet may be unready.
    assert.equal(spec.publishNotReadyAddresses, true)
    const dialled = podVariables(invoker)
    const host = `${metadata.name}.openwhisk.svc.cluster.local`
    assert.equal(dialled['STAVE_INVOKERS_URL'], `ws://${host}:3234`)
    assert.equal(dialled['STAVE_CONTAINERS_API_HOST'], `http://${host}:3233`)
  })

  test('both sides have the token of the secret that the documented command makes', () => {
    const [, secret = '', key = ''] = /create secret generic (\S+) --from-literal=(\w+)=/.exec(read(MANIFEST)) ?? []
    assert.notEqual(key, '')
    for (const component of ['server', 'invoker'] as const) {
      const container = containerOf(objects, component)
      const file = podVariables(container)['STAVE_INVOKERS_TOKEN_FILE'] ?? ''
      const volume = podOf(objects, component).volumes.find(({ name }) => name === 'token')
      assert.equal(volume?.secret?.secretName, secret)
      assert.deepEqual(volume.secret.items, [{ key, path: 'token' }])
      const mount = container.volumeMounts.find(({ name }) => name === 'token')
      assert.equal(`${mount?.mountPath}/token`, file)
    }
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
    const inside = new Set(invoker.volumeMounts.map(({ mountPath }) => mountPath))
    const sample = variablesOf(read(SAMPLE))
    const paths = Object.entries(sample).flatMap(([name, value]) =>
      /PATHS_|DOCKER_HOST/.test(name) ? [value.replace('unix://', '')] : [],
    )
    assert.equal(paths.length, 4)
    for (const path of paths) assert.ok(inside.has(path), path)
    assert.deepEqual(
      podOf(objects, 'server').volumes.filter(({ hostPath }) => hostPath !== undefined),
      [],
    )
  })

  test('S1-5: asks for no privilege, and for the server not even for root', () => {
    const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
    assert.deepEqual(invoker.securityContext, { ...confined, runAsUser: 0, runAsGroup: 0 })
    assert.deepEqual(server.securityContext, confined)
    const user = /^USER (\d+):/m.exec(read(DOCKERFILE))?.[1]
    const { securityContext, hostNetwork } = podOf(objects, 'server')
    assert.partialDeepStrictEqual(securityContext, { runAsNonRoot: true, runAsUser: Number(user) })
    assert.equal(hostNetwork, undefined)
    for (const { hostPID, hostIPC, automountServiceAccountToken, securityContext } of [pod, podOf(objects, 'server')]) {
      assert.deepEqual([hostPID, hostIPC, automountServiceAccountToken], [undefined, undefined, false])
      assert.partialDeepStrictEqual(securityContext, { seccompProfile: { type: 'RuntimeDefault' } })
    }
    assert.doesNotMatch(read(MANIFEST), /privileged: true/)
  })

  test('gives a drain the time that it may take, as the documented docker command does', async () => {
    const { config } = await loadVariables(variablesOf(read(SAMPLE)))
    // Containers have half a minute after the grace period (src/containers/docker/docker-container-factory.ts).
    assert.ok(pod.terminationGracePeriodSeconds * 1000 > config.shutdown.graceMs + 30_000)
    assert.ok(read(GUIDE).includes(`--stop-timeout ${pod.terminationGracePeriodSeconds} `))
    assert.ok(podOf(objects, 'server').terminationGracePeriodSeconds * 1000 > config.shutdown.graceMs)
  })

  test('asks the platform itself whether it is ready, and alive', () => {
    const script = '/stave/deploy/docker/probe.cjs'
    for (const container of [server, invoker]) {
      // Whether a role is ready depends on others, which a restart would not help.
      assert.deepEqual(probe(container.startupProbe), ['node', script, 'livez'])
      assert.deepEqual(probe(container.readinessProbe), ['node', script, 'readyz'])
      assert.deepEqual(probe(container.livenessProbe), ['node', script, 'livez'])
    }
  })
})
