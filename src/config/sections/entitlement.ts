/** Keys of what callers may do. */

import { flag, path } from '../field.ts'

/** The built-in providers; anything else must be a module path. */
export const ENTITLEMENT_PROVIDERS = ['basic'] as const

export const entitlement = {
  provider: path('basic', {
    doc: 'What decides who may do what with which resource: `basic` (everything in one’s namespace; of others’, their published packages), or the path of a module that exports `createEntitlementProvider`.',
    constraint: 'a built-in name, or a module path (it contains a slash or starts with `file:`)',
    check: checkProvider,
    isPath: (value) => /^\.{0,2}\/|^~\//.test(value),
    failure: 'Start fails where the module cannot be loaded or exports no provider.',
    whom: 'Operators whose rights are kept elsewhere.',
  }),
  sharedPackagesExecuteOnly: flag(false, {
    doc: 'Actions in packages of other namespaces may be called but not read: neither their code nor their parameters.',
    failure: 'On: `wsk package get` and `wsk action get` of shared packages are refused with 403.',
    whom: 'Operators whose users share what they do not want to show.',
  }),
}

function checkProvider(value: string): string | undefined {
  if (ENTITLEMENT_PROVIDERS.some((name) => name === value)) return undefined
  if (value.startsWith('file:') || value.includes('/')) return undefined
  return `must be ${ENTITLEMENT_PROVIDERS.join(' or ')}, or the path of a module (with a slash in it)`
}
