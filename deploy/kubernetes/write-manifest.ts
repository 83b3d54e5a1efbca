/** The chart as plain manifests, for clusters without helm: `npm run manifest` writes deploy/kubernetes/invoker-dcf.yml anew; the tests compare. */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { goClient } from '../../test/clients/go-clients.ts'
import { runHelm } from '../../test/clients/run-helm.ts'

export const MANIFEST = 'deploy/kubernetes/invoker-dcf.yml'
const VALUES = 'deploy/kubernetes/invoker-dcf.values.yaml'

const HEAD = `# Stave on a cluster: one server, and an invoker on every node that has the label openwhisk-role=invoker and a Docker Engine. Containers of actions are that
# engine's, beside the pods (docs/docker.md); docs/kubernetes.md is the guide.
#
#     kubectl label node NODE openwhisk-role=invoker
#     kubectl apply -f ${MANIFEST}
#     kubectl -n openwhisk create secret generic stave-invokers-token --from-literal=token="$(openssl rand -hex 24)"
#     kubectl -n openwhisk create cm invoker.config --from-env-file=deploy/docker/invoker-dcf.env
#
# It is what the chart (deploy/helm/stave) renders with ${VALUES}: change those, and \`npm run manifest\` writes it.
apiVersion: v1
kind: Namespace
metadata:
  name: openwhisk
  labels:
    # The network of the node and its directories are more than other levels allow. The server does without: it would fit \`restricted\`.
    pod-security.kubernetes.io/enforce: privileged
`

/** The text of the manifest. */
export async function plainManifest(helm: string): Promise<string> {
  const args = ['template', 'stave', 'deploy/helm/stave', '--namespace', 'openwhisk', '--values', VALUES]
  const { code, out, err } = await runHelm(helm, args)
  if (code !== 0) throw new Error(err)
  return HEAD + out.replaceAll(/^# Source: .*\n/gm, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, missing } = goClient('helm')
  if (missing !== false) throw new Error(`helm: ${missing}`)
  writeFileSync(MANIFEST, await plainManifest(path))
}
