/** What the labels of a listed container tell: whose it is for the pool. They may have been written by anybody with access to the engine. */

import type { ContainerId } from '../../model/ids.ts'
import type { ListedContainer } from './engine-answers.ts'
import { ID_LABEL, POOL_LABELS } from './settings.ts'

/** The id that the platform gave it; undefined where there is none. */
export function containerIdOf({ labels }: Pick<ListedContainer, 'labels'>): ContainerId | undefined {
  return labels[ID_LABEL] as ContainerId | undefined
}

/** The pool's labels; none where they cannot be read. */
export function poolLabels({ labels }: Pick<ListedContainer, 'labels'>): Readonly<Record<string, string>> {
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
