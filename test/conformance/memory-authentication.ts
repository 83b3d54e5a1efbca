/** A provider of identities with a scheme of its own, `Token UUID/SECRET`: proof that nothing above the interface knows about HTTP Basic. */

import type { NamespaceKey, StoredIdentity, Subject, SubjectName } from '../../src/model/identity.ts'
import type { NamespaceLimits } from '../../src/model/limits.ts'
import type { NamespaceName } from '../../src/model/names.ts'
import type { ProviderFixture } from './authentication-provider.ts'

/** A provider that knows nobody yet. */
export function memoryAuthentication(): ProviderFixture {
  const subjects = new Map<SubjectName, Subject>()
  const limits = new Map<NamespaceName, NamespaceLimits>()

  function find(wanted: (key: NamespaceKey) => boolean): StoredIdentity | undefined {
    for (const { subject, namespaces, blocked } of subjects.values()) {
      const namespace = blocked ? undefined : namespaces.find(wanted)
      if (namespace !== undefined) return { subject, namespace, limits: limits.get(namespace.name) ?? {} }
    }
    return undefined
  }
  const keyHolder = (uuid: string, secret: string): StoredIdentity | undefined =>
    find((key) => key.uuid === uuid && key.key === secret)

  return {
    provider: {
      async authenticate(authorization) {
        if (!authorization.startsWith('Token ')) return 'missing'
        const [uuid = '', secret = ''] = authorization.slice('Token '.length).split('/')
        return keyHolder(uuid, secret) ?? 'invalid'
      },
      keyHolder: async (uuid, secret) => keyHolder(uuid, secret),
      ownerOf: async (namespace) => find(({ name }) => name === namespace),
    },
    async put(subject) {
      subjects.set(subject.subject, subject)
    },
    async remove(subject) {
      subjects.delete(subject)
    },
    async limit(namespace, own) {
      limits.set(namespace, own)
    },
    header: ({ uuid, key }) => `Token ${uuid}/${key}`,
    invalid: ['Token ', 'Token x', 'Token //', 'Token x/y'],
  }
}
