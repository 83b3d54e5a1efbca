/**
 * Writes the system's packages into the store: what is missing, and what is not as this version has it. Anything else in these packages, and in the
 * namespace, is left alone. Several processes may do it at once.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../model/clock.ts'
import { createAction } from '../model/action-put.ts'
import { parseExec } from '../model/exec.ts'
import type { SystemLimits } from '../model/limits.ts'
import { effectiveLimits } from '../model/limits.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath, parseNamespaceName } from '../model/names.ts'
import type { Package } from '../model/package.ts'
import { FIRST_VERSION, nextPatch } from '../model/version.ts'
import type { ArtifactStore, Entity } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import type { NotifyChange } from './store-change.ts'
import type { SystemAction, SystemPackage } from './system-packages.ts'

export interface SeedDeps {
  readonly artifacts: Pick<ArtifactStore, 'getEntity' | 'putEntity'>
  readonly manifest: RuntimesManifest
  readonly system: SystemLimits
  readonly clock: Pick<Clock, 'now'>
  readonly changed: NotifyChange
}

/** Names as `whisk.system/utils/echo`. */
export interface Seeded {
  readonly written: readonly string[]
  /** Not written, since something of another type has the name. */
  readonly occupied: readonly string[]
}

interface Wanted {
  readonly entity: Entity
  readonly code?: string
}

const NAMESPACE = parseNamespaceName('whisk.system')
const KIND = 'nodejs:default'

/** Writes what is missing or differs, much of it at once, since the store commits together what comes together. Rejects as the store does. */
export async function seedPackages(packages: readonly SystemPackage[], on: SeedDeps): Promise<Seeded> {
  const outcomes = (await Promise.all(packages.map((entry) => seedPackage(entry, on)))).flat()
  const those = (kind: Outcome): readonly string[] =>
    outcomes.filter(([, outcome]) => outcome === kind).map(([path]) => path)
  return { written: those('written'), occupied: those('occupied') }
}

async function seedPackage(entry: SystemPackage, on: SeedDeps): Promise<readonly (readonly [string, Outcome])[]> {
  const named = async (wanted: Wanted): Promise<readonly [string, Outcome]> => [
    formatPath(wanted.entity),
    await seed(wanted, on),
  ]
  const whole = await named({ entity: packageOf(entry, on) })
  // What lies in something that is no package cannot be reached.
  if (whole[1] === 'occupied') return [whole]
  return [whole, ...(await Promise.all(entry.actions.map((action) => named(actionOf(entry, action, on)))))]
}

type Outcome = 'written' | 'present' | 'occupied'

async function seed({ entity, code }: Wanted, on: SeedDeps): Promise<Outcome> {
  const stored = await on.artifacts.getEntity(entity)
  if (stored !== undefined && stored.document.entityType !== entity.entityType) return 'occupied'
  if (stored !== undefined && isDeepStrictEqual(contentOf(stored.document), contentOf(entity))) return 'present'
  const version = stored === undefined ? FIRST_VERSION : nextPatch(stored.document.version)
  try {
    await on.artifacts.putEntity({ ...entity, version }, code, stored?.revision)
  } catch (error) {
    // Somebody writes it at this moment: another server does what this one does, and what an operator wants is looked at by the next start.
    if (error instanceof RevisionConflict) return 'present'
    throw error
  }
  on.changed({ type: 'entity', name: nameOf(entity) })
  return 'written'
}

/** What tells an entity from another one: not when it was written, nor how often. */
function contentOf(entity: Entity): object {
  return { ...entity, version: undefined, updated: undefined }
}

function nameOf({ namespace, package: parent, name }: FullyQualifiedName): FullyQualifiedName {
  return parent === undefined ? { namespace, name } : { namespace, package: parent, name }
}

function packageOf({ name, annotations }: SystemPackage, { clock }: SeedDeps): Package {
  return {
    namespace: NAMESPACE,
    name,
    entityType: 'package',
    version: FIRST_VERSION,
    publish: true,
    parameters: [],
    annotations,
    updated: clock.now(),
  }
}

/** The action as a `PUT` of it would make it. */
function actionOf(
  { name: parent }: SystemPackage,
  { name, code, annotations }: SystemAction,
  { manifest, system, clock }: SeedDeps,
): Wanted {
  const rules = { manifest, namespace: NAMESPACE }
  const exec = parseExec({ kind: KIND, code }, rules)
  const put = { exec, annotations, limits: {}, delAnnotations: [] }
  const entity = createAction(
    { namespace: NAMESPACE, package: parent, name },
    put,
    effectiveLimits(system, {}),
    clock.now(),
  )
  return { entity, code }
}
