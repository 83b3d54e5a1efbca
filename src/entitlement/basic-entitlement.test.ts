import { describeEntitlementProvider } from '../../test/conformance/entitlement-provider.ts'
import { grantingEntitlement } from '../../test/conformance/granting-entitlement.ts'
import type { SubjectName } from '../model/identity.ts'
import type { NamespaceName } from '../model/names.ts'
import { basicEntitlement } from './basic-entitlement.ts'

describeEntitlementProvider('basic', async () => basicEntitlement())
describeEntitlementProvider('rules with grants', async () =>
  grantingEntitlement([{ subject: 'auditor' as SubjectName, right: 'READ', namespace: 'other' as NamespaceName }]),
)
