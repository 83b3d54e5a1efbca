/** The state of a flow as the journal keeps it, read back. */

import * as v from 'valibot'
import type { ActivationId } from '../model/ids.ts'
import type { EntityName, NamespaceName } from '../model/names.ts'
import type { FlowState } from './flow-state.ts'

const Id = v.pipe(
  v.string(),
  v.transform((text) => text as ActivationId),
)
const Namespace = v.pipe(
  v.string(),
  v.transform((text) => text as NamespaceName),
)
const Entity = v.pipe(
  v.string(),
  v.transform((text) => text as EntityName),
)

const Name = v.object({ namespace: Namespace, package: v.exactOptional(Entity), name: Entity })
const Outcome = v.object({
  statusCode: v.picklist([0, 1, 2, 3]),
  resultJson: v.string(),
  size: v.exactOptional(v.number()),
})
const Head = v.object({
  name: v.string(),
  filter: v.string(),
  version: v.string(),
  annotationsHead: v.string(),
  timeoutMs: v.number(),
  logsMb: v.number(),
  observed: v.object({ namespace: Namespace, action: v.string(), kind: v.string(), memoryMb: v.number() }),
})
const frame = {
  activationId: Id,
  calledAs: Name,
  head: Head,
  startedAt: v.number(),
  waitMs: v.number(),
  ids: v.array(Id),
  durationMs: v.number(),
  memoryMb: v.optional(v.number()),
  input: v.string(),
  outcome: v.optional(Outcome),
}
const Frame = v.variant('type', [
  v.object({
    type: v.literal('sequence'),
    ...frame,
    components: v.array(Name),
    next: v.number(),
    atoms: v.number(),
    last: v.optional(Outcome),
  }),
  v.object({
    type: v.literal('composition'),
    ...frame,
    component: v.optional(Name),
    state: v.optional(v.string()),
    conductorRuns: v.number(),
    componentRuns: v.number(),
  }),
])
const Progress = v.object({
  frames: v.pipe(v.array(Frame), v.minLength(1)),
  step: v.optional(
    v.object({
      activationId: Id,
      record: v.object({ name: v.string(), filter: v.string(), version: v.string(), annotationsHead: v.string() }),
      memoryMb: v.number(),
      idempotent: v.boolean(),
      begun: v.boolean(),
    }),
  ),
})

/** Reads what a keeper noted; throws when it was noted by none. */
export function readProgress(progress: string): FlowState {
  return v.parse(Progress, JSON.parse(progress))
}
