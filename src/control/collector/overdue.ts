/** What goes whatever the policy: containers that nobody has used for long, and those on nodes that are to become empty. */

import type { CollectorView, Proposal } from './collector.ts'

/** Containers that have not been used for the idle timeout. */
export function expired(view: CollectorView): Proposal[] {
  const proposals: Proposal[] = []
  for (const [, records] of view.actions()) {
    for (const record of records) {
      if (record.state !== 'idle' || view.now - record.lastUsed < view.idleTimeoutMs) continue
      proposals.push({ type: 'mark', id: record.id, reason: 'idle' })
    }
  }
  return proposals
}

/** Containers on nodes that take no new ones: idle ones are marked, busy ones moved. */
export function cordoned(view: CollectorView): Proposal[] {
  const proposals: Proposal[] = []
  for (const node of view.nodes) {
    if (node.schedulable || node.reservations === 0) continue
    for (const record of view.onNode(node.name)) {
      if (record.state === 'idle') proposals.push({ type: 'mark', id: record.id, reason: 'drain' })
      else if (record.state === 'active') proposals.push({ type: 'move', id: record.id })
    }
  }
  return proposals
}
