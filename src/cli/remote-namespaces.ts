/** Administration of namespaces as a whole, through a running server. */

import type { NamespaceAdministration } from '../management/namespace-administration.ts'
import type { AdminCall } from './remote-administration.ts'

/** The administration through `call`. */
export function remoteNamespaces(call: AdminCall): NamespaceAdministration {
  return {
    listNamespaces: () => call('GET', ['namespaces']),
    getNamespace: (namespace) => call('GET', ['namespaces', namespace]),
    listEntities: (namespace, after, limit) =>
      call('GET', namespace === undefined ? ['entities'] : ['namespaces', namespace, 'entities'], {
        query: { limit: String(limit), ...(after !== undefined && { after }) },
      }),
    deleteNamespace: (namespace, force) =>
      call('DELETE', ['namespaces', namespace], { query: { force: String(force) } }),
  }
}
