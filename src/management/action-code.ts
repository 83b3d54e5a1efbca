/** The code of an action, for everybody who answers with one. */

import type { Action } from '../model/action.ts'
import { isRunnable } from '../model/action.ts'
import { Fault } from '../model/errors.ts'
import { formatPath } from '../model/names.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'

/** The action's code as uploaded; undefined for a sequence, and for an image that brings its own. */
export async function codeOf(action: Action, artifacts: Pick<ArtifactStore, 'getCode'>): Promise<string | undefined> {
  if (!isRunnable(action) || action.exec.code === undefined) return undefined
  const code = await artifacts.getCode(action.exec.code)
  if (code === undefined) throw new Fault(`the store has no code ${action.exec.code} of ${formatPath(action)}`)
  return code
}
