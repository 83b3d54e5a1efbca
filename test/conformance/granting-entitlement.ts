/**
 * An entitlement provider as an operator may write one: OpenWhisk's rules, and grants beside them, asked for asynchronously. Its answers about
 * namespaces that nobody granted anything are those of the rules. Also loadable as a module, with a grant of its own.
 */

import { basicEntitlement } from '../../src/entitlement/basic-entitlement.ts'
import type { EntitlementProvider } from '../../src/entitlement/entitlement-provider.ts'
import type { Right, SubjectName } from '../../src/model/identity.ts'
import type { NamespaceName } from '../../src/model/names.ts'

export interface Grant {
  readonly subject: SubjectName
  readonly right: Right
  readonly namespace: NamespaceName
}

/** A provider that adds `grants` to what the rules allow. */
export function grantingEntitlement(grants: readonly Grant[]): EntitlementProvider {
  const rules = basicEntitlement()
  return {
    async permits(identity, right, resource) {
      await new Promise((resolve) => setImmediate(resolve))
      const granted = grants.some(
        (grant) =>
          grant.subject === identity.subject && grant.right === right && grant.namespace === resource.namespace,
      )
      return granted || rules.permits(identity, right, resource)
    },
  }
}

/** What `entitlement.provider` looks for in a module. */
export function createEntitlementProvider(): EntitlementProvider {
  const grant = { subject: 'auditor' as SubjectName, right: 'READ', namespace: 'audited' as NamespaceName } as const
  return grantingEntitlement([grant])
}
