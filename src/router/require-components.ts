/** Whether the caller of a sequence may call its components: asked before anything runs, as for the sequence itself. */

import { Refusal } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
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
      if (!(error instanceof Refusal) || error.code !== 'NOT_FOUND' || error.options.missing === 'package') throw error
    }
  }
}
