/** The entitlement provider that the configuration names: one of ours, or that of a module. */

import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { basicEntitlement } from '../entitlement/basic-entitlement.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'

/**
 * Opens `provider`: `basic`, or the path or URL of a module whose `createEntitlementProvider()` answers one, or a promise of one. Rejects with a message
 * for the operator.
 */
export async function openEntitlement(provider: string): Promise<EntitlementProvider> {
  if (provider === 'basic') return basicEntitlement()
  const module: unknown = await import(isAbsolute(provider) ? pathToFileURL(provider).href : provider).catch(
    (error: unknown) => {
      throw new Error(`entitlement.provider: ${provider} cannot be loaded`, { cause: error })
    },
  )
  const made: unknown = hasFactory(module) ? await module.createEntitlementProvider() : undefined
  if (!isProvider(made)) {
    throw new Error(
      `entitlement.provider: ${provider} must export createEntitlementProvider(), which answers a provider`,
    )
  }
  return made
}

function hasFactory(module: unknown): module is { createEntitlementProvider(): unknown } {
  return (
    typeof module === 'object' &&
    module !== null &&
    'createEntitlementProvider' in module &&
    typeof module.createEntitlementProvider === 'function'
  )
}

function isProvider(made: unknown): made is EntitlementProvider {
  return typeof made === 'object' && made !== null && 'permits' in made && typeof made.permits === 'function'
}
