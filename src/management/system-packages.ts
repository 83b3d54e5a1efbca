/** The packages of `whisk.system` as they lie in system-packages/: one folder a package, with a manifest and a file an action. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import type { EntityName } from '../model/names.ts'
import { parseEntityName } from '../model/names.ts'
import type { Annotation } from '../model/parameters.ts'
import { parseAnnotations } from '../model/parameters.ts'

export interface SystemAction {
  readonly name: EntityName
  /** Source for the default kind of Node.js. */
  readonly code: string
  readonly annotations: readonly Annotation[]
}

export interface SystemPackage {
  readonly name: EntityName
  readonly annotations: readonly Annotation[]
  readonly actions: readonly SystemAction[]
}

/** Where they are in an installation. */
export const SYSTEM_PACKAGES = fileURLToPath(new URL('../../system-packages/', import.meta.url))

/** Annotations of the package, and those of each action by its name; the code of action `x` is in `x.js`. */
const annotationsSchema = v.record(v.string(), v.unknown())
const manifestSchema = v.object({
  annotations: annotationsSchema,
  actions: v.record(v.string(), annotationsSchema),
})

/** Reads all packages, by name. Rejects where a folder is not as described above. */
export async function readSystemPackages(directory = SYSTEM_PACKAGES): Promise<readonly SystemPackage[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return Promise.all(folders.sort().map((name) => readPackage(directory, name)))
}

async function readPackage(directory: string, name: string): Promise<SystemPackage> {
  const text = await readFile(join(directory, name, 'manifest.json'), 'utf8')
  const { annotations, actions } = v.parse(manifestSchema, JSON.parse(text))
  return {
    name: parseEntityName(name),
    annotations: listOf(annotations),
    actions: await Promise.all(
      Object.entries(actions).map(async ([action, described]) => ({
        name: parseEntityName(action),
        code: await readFile(join(directory, name, `${action}.js`), 'utf8'),
        annotations: listOf(described),
      })),
    ),
  }
}

function listOf(annotations: Readonly<Record<string, unknown>>): readonly Annotation[] {
  return parseAnnotations(Object.entries(annotations).map(([key, value]) => ({ key, value })))
}
