/** What each container carries so that its owner, its epoch and its action can be told from outside, by a later leader above all. */

import { createHash } from 'node:crypto'
import type { ContainerSpec, Resources } from '../containers/container-factory.ts'
import type { ActionKey, ActionRequirements } from './pool-protocol.ts'
import { MEMORY } from './resources.ts'

export const OWNER_LABEL = 'stave-owner'
export const EPOCH_LABEL = 'stave-epoch'

/** Values that fit everywhere (63 characters) besides `stave-action-key`, `stave-namespace` and `stave-image`, which a provider may keep apart. */
export function containerLabels(
  owner: string,
  epoch: number,
  start: 'cold' | 'stem',
  action: ActionRequirements | undefined,
): Readonly<Record<string, string>> {
  const own = { [OWNER_LABEL]: owner, [EPOCH_LABEL]: String(epoch), 'stave-start': start }
  if (action === undefined) return own
  return {
    ...own,
    'stave-action': createHash('sha256').update(action.actionKey).digest('hex').slice(0, 32),
    'stave-action-key': action.actionKey,
    'stave-namespace': action.namespace,
    'stave-kind': action.kind,
    'stave-image': action.image,
    'stave-concurrency': String(action.concurrency),
    'stave-max-containers': String(action.maxContainers),
    'stave-resources': JSON.stringify(action.resources),
  }
}

/** The fencing epoch of a labelled container; 0 when there is none that can be read. */
export function epochOf(labels: Readonly<Record<string, string>>): number {
  const epoch = Number(labels[EPOCH_LABEL] ?? 0)
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0
}

/** The action that a container serves; undefined for stem cells that serve none and for unreadable labels. */
export function actionOf(labels: Readonly<Record<string, string>>): ActionRequirements | undefined {
  const key = labels['stave-action-key']
  const kind = labels['stave-kind']
  const image = labels['stave-image']
  const resources = parseResources(labels['stave-resources'])
  const concurrency = Number(labels['stave-concurrency'])
  const maxContainers = Number(labels['stave-max-containers'])
  if (!key || kind === undefined || image === undefined) return undefined
  if (resources === undefined || !(concurrency >= 1) || !(maxContainers >= 1)) return undefined
  const namespace = labels['stave-namespace'] ?? ''
  return { actionKey: key as ActionKey, namespace, kind, image, resources, concurrency, maxContainers }
}

function parseResources(text: string | undefined): Resources | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text ?? '')
  } catch {
    return undefined // not ours, or cut off by the provider
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const resources: Record<string, number> = {}
  for (const [name, amount] of Object.entries(parsed)) {
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0) return undefined
    resources[name] = amount
  }
  return resources[MEMORY] === undefined ? undefined : resources
}

/** What a factory is told of the resources besides memory and CPU. */
export function namedResources(need: Resources): Pick<ContainerSpec, 'resources'> {
  const named = Object.entries(need).filter(([name, amount]) => name !== MEMORY && name !== 'cpuMilli' && amount > 0)
  return named.length === 0 ? {} : { resources: Object.fromEntries(named) }
}
