/** OpenWhisk's authentication: HTTP Basic, the uuid of a namespace key and its secret, looked up among the artifact store's subjects. */

import { parseBasicAuthorization } from '../api/authorization.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { AuthenticationProvider } from './authentication-provider.ts'

/** Builds the provider. */
export function basicAuthentication(
  store: Pick<ArtifactStore, 'findIdentity' | 'findNamespace'>,
): AuthenticationProvider {
  return {
    async authenticate(authorization) {
      const credentials = parseBasicAuthorization(authorization)
      if (credentials === 'missing') return 'missing'
      if (credentials === 'malformed') return 'invalid'
      return (await store.findIdentity(credentials.uuid, credentials.key)) ?? 'invalid'
    },
    keyHolder: (uuid, key) => store.findIdentity(uuid, key),
    ownerOf: (namespace) => store.findNamespace(namespace),
  }
}
