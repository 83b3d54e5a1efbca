/** What the labels of a listed container tell: whose it is for the pool. They may have been written by anybody with access to the engine. */

import * as v from 'valibot'
import type { ContainerId } from '../../model/ids.ts'
import type { ContainerSpec } from '../container-factory.ts'
import type { ListedContainer } from './engine-answers.ts'
import type { FileMap } from './file-map.ts'
import { openFileMap } from './file-map.ts'
import type { DockerLog } from './settings.ts'
import { ID_LABEL, POOL_LABELS } from './settings.ts'

/** By the engine's id of a container: the pool's labels that hold instead of those that it was made with, which the engine does not change. */
export type Relabelled = FileMap<ContainerSpec['labels']>

export function openRelabelled(file: string, log: Pick<DockerLog, 'warn'>): Promise<Relabelled> {
  return openFileMap(file, v.record(v.string(), v.string()), log)
}

/** The id that the platform gave it; undefined where there is none. */
export function containerIdOf({ labels }: Pick<ListedContainer, 'labels'>): ContainerId | undefined {
  return labels[ID_LABEL] as ContainerId | undefined
}

/** The pool's labels; none where they cannot be read. */
export function poolLabels(
  { engineId, labels }: Pick<ListedContainer, 'engineId' | 'labels'>,
  relabelled: Relabelled,
): ContainerSpec['labels'] {
  const changed = relabelled.entries.get(engineId)
  if (changed !== undefined) return changed
  try {
    const parsed: unknown = JSON.parse(labels[POOL_LABELS] ?? '{}')
    if (typeof parsed !== 'object' || parsed === null) return {}
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
