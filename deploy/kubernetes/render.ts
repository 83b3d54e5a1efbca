/**
 * The manifests of this folder are the chart's, for those who do not use Helm: `node deploy/kubernetes/render.ts` writes them anew, with the helm of the tests.
 * test/chart.test.ts compares them.
 */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { goClient } from '../../test/clients/go-clients.ts'

const CHART = fileURLToPath(new URL('../helm/stave', import.meta.url))
const VALUES = fileURLToPath(new URL('values.yaml', import.meta.url))
export const MANIFEST = fileURLToPath(new URL('invoker-dcf.yml', import.meta.url))

const HEAD = `# Made by deploy/kubernetes/render.ts of deploy/helm/stave: a server, and an invoker on every node that has the label openwhisk-role=invoker and a Docker
# Engine. Containers of actions are that engine's, beside the pods (docs/docker.md, docs/kubernetes.md).
#
#     kubectl label node NODE openwhisk-role=invoker
#     kubectl apply -f deploy/kubernetes/invoker-dcf.yml
#     kubectl -n openwhisk create secret generic stave-invokers --from-literal=token="$(openssl rand -hex 20)"
#     kubectl -n openwhisk create cm invoker.config --from-env-file=deploy/docker/invoker-dcf.env
apiVersion: v1
kind: Namespace
metadata:
  name: openwhisk
  labels:
    # The network of the node and its directories are more than other levels allow.
    pod-security.kubernetes.io/enforce: privileged
`

/** What Helm makes of the chart; `args` are options of `helm template`. Throws with what it says where it refuses. */
export function render(helm: string, args: readonly string[] = []): string {
  const { status, stdout, stderr, error } = spawnSync(
    helm,
    ['template', 'stave', CHART, '--namespace', 'openwhisk', '--kube-version', '1.30.0', ...args],
    { encoding: 'utf8', env: { PATH: '', HOME: '/nonexistent' } },
  )
  if (status !== 0) throw new Error(error?.message ?? stderr)
  return stdout
}

/** The plain manifest: the chart with the values beside it, and the namespace. */
export function renderManifest(helm: string): string {
  const rendered = render(helm, ['--values', VALUES]).replace(/^# Source: .*\n/gm, '')
  return `${HEAD}${rendered}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, missing } = goClient('helm')
  if (missing !== false) throw new Error(missing)
  writeFileSync(MANIFEST, renderManifest(path))
}
