/** Whether the caller of a sequence may call its components: asked before anything runs, as for the sequence itself. */

import { Refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { ActivateDeps } from './activate.ts'
import type { ResolvedSequence } from './resolved-sequence.ts'
import { targetOf } from './resolve.ts'

/**
 * Rejects with what a call of the first component that may not be called would be refused with: 403, or 404 where its package is missing. Components
 * that are missing themselves are for the run to find out.
 */
export async function requireComponents(
  identity: Identity,
  { components }: ResolvedSequence,
  on: Pick<ActivateDeps, 'resolve'>,
): Promise<void> {
  for (const component of new Map(components.map((name) => [formatPath(name), name])).values()) {
    try {
      await on.resolve(identity, targetOf(component))
    } catch (error) {
      if (!(error instanceof Refusal) || !isMissing(error, component)) throw error
    }
  }
}

/** No action has the name: nothing has, or something else. */
function isMissing({ code, options }: Refusal, { package: parent }: FullyQualifiedName): boolean {
  return code === 'NOT_FOUND' ? options.missing !== 'package' : code === 'CONFLICT' && parent === undefined
}
