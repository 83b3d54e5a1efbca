import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerId } from '../model/ids.ts'
import type { ContainerEvent, ContainerState } from './container-state.ts'
import { CONTAINER_EVENTS, CONTAINER_STATES, isAnnounced, isStarting, nextState } from './container-state.ts'
import type { PoolRecord } from './global-pool.ts'
import { GlobalPool } from './global-pool.ts'

/** The whole table, written down a second time: one row a state, one column an event, `-` where the pair is illegal. */
const TABLE = `
            placed   createdStem createdBound createFailed overdue bind    bound    bindFailed used     rested   mark   unmark sweep    ended
requested   creating -           -            -            -       -       -        -          -        -        -      -      gone     -
creating    -        stem        idle         gone         lost    -       -        -          -        -        -      -      -        gone
stem        -        -           -            -            -       binding -        -          -        -        -      -      draining gone
binding     -        -           -            -            -       -       idle     stem       -        -        -      -      draining gone
idle        -        -           -            -            -       -       -        -          active   idle     marked -      draining gone
active      -        -           -            -            -       -       -        -          active   idle     marked -      draining gone
marked      -        -           -            -            -       -       -        -          marked   marked   -      idle   draining gone
draining    -        -           -            -            -       -       draining draining   draining draining -      -      draining gone
lost        -        draining    draining     gone         -       -       -        -          -        -        -      -      -        gone
gone        -        -           -            -            -       -       -        -          -        -        -      -      -        -
`

function expected(): Map<string, string> {
  const [head = '', ...rows] = TABLE.trim().split('\n')
  const events = head.trim().split(/\s+/)
  const cells = new Map<string, string>()
  for (const row of rows) {
    const [state = '', ...next] = row.trim().split(/\s+/)
    events.forEach((event, column) => cells.set(`${state} ${event}`, next[column] ?? '?'))
  }
  return cells
}

function recordIn(state: ContainerState): PoolRecord {
  return {
    id: '1' as ContainerId,
    action: undefined,
    stem: undefined,
    node: 'n1',
    need: { memoryMb: 256 },
    state,
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

test('S0-1: every pair of state and event leads where the table says, and illegal ones are rejected and counted', () => {
  const cells = expected()
  assert.equal(cells.size, CONTAINER_STATES.length * CONTAINER_EVENTS.length)
  for (const state of CONTAINER_STATES) {
    for (const event of CONTAINER_EVENTS) {
      const cell = cells.get(`${state} ${event}`)
      assert.equal(nextState(state, event) ?? '-', cell, `${state} ${event}`)
      checkInPool(state, event, cell)
    }
  }
})

function checkInPool(state: ContainerState, event: ContainerEvent, cell: string | undefined): void {
  const pool = new GlobalPool()
  const record = recordIn(state)
  pool.add(record)
  assert.equal(pool.apply(record, event, 7), cell !== '-')
  assert.equal(pool.illegalTransitions, cell === '-' ? 1 : 0)
  assert.equal(record.state, cell === '-' ? state : cell)
  assert.equal(pool.get(record.id), cell === 'gone' ? undefined : record)
  assert.equal(pool.inState(record.state).has(record), cell !== 'gone')
}

test('every state but gone has a way to gone, so that nothing is kept for ever', () => {
  for (const state of CONTAINER_STATES) {
    const reached = new Set<ContainerState>([state])
    for (const from of reached) {
      for (const event of CONTAINER_EVENTS) {
        const to = nextState(from, event)
        if (to !== undefined) reached.add(to)
      }
    }
    assert.ok(reached.has('gone'), state)
  }
})

test('announced and starting states are disjoint', () => {
  for (const state of CONTAINER_STATES) assert.ok(!(isAnnounced(state) && isStarting(state)), state)
})
