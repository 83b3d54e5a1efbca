import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ContainerId } from '../model/ids.ts'
import { CONTAINER_EVENTS } from './container-state.ts'
import type { PoolRecord } from './global-pool.ts'
import { GlobalPool } from './global-pool.ts'
import type { ActionKey, ActionRequirements } from './pool-protocol.ts'

const ACTIONS: readonly ActionRequirements[] = ['one', 'two'].flatMap((namespace) =>
  [128, 512].map((memoryMb) => ({
    actionKey: `${namespace}:${namespace}/a${memoryMb}@1` as ActionKey,
    namespace,
    kind: 'nodejs:24',
    image: 'image',
    resources: { memoryMb },
    concurrency: 1,
    maxContainers: 10,
  })),
)

function recordOf(id: string, action: ActionRequirements | undefined): PoolRecord {
  return {
    id: id as ContainerId,
    action,
    stem: undefined,
    node: 'n',
    need: action?.resources ?? { memoryMb: 256 },
    state: 'requested',
    since: 0,
    readyAt: 0,
    inFlight: 0,
    reportedAt: 0,
    lastUsed: 0,
    useStamp: 0,
    value: 0,
    replaces: undefined,
  }
}

test('what a namespace holds is the memory of its containers that serve or will, whatever happens to them (property)', () => {
  const action = fc.option(fc.constantFrom(...ACTIONS), { nil: undefined })
  const step = fc.record({ at: fc.nat({ max: 9 }), event: fc.constantFrom(...CONTAINER_EVENTS), bindTo: action })
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 10 }),
      fc.array(step, { maxLength: 60 }),
      (first, steps) => {
        const pool = new GlobalPool()
        const records = first.map((bound, index) => recordOf(`c${index}`, bound))
        for (const record of records) pool.add(record)
        for (const { at, event, bindTo } of steps) {
          const record = records[at % records.length]
          if (record === undefined || record.state === 'gone') continue
          if (record.state === 'stem' && event === 'bind') pool.assign(record, bindTo)
          pool.apply(record, event, 0)
          const held = new Map<string, number>()
          for (const { action: of, state } of pool.all()) {
            if (of === undefined || !['requested', 'creating', 'binding', 'idle', 'active'].includes(state)) continue
            held.set(of.namespace, (held.get(of.namespace) ?? 0) + (of.resources['memoryMb'] ?? 0))
          }
          for (const namespace of ['one', 'two']) assert.equal(pool.memoryOf(namespace), held.get(namespace) ?? 0)
          assert.equal(pool.namespaces, held.size)
        }
      },
    ),
  )
})
