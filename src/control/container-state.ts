/**
 * The life of a container as the control plane sees it. Booting belongs to `creating` (a factory's create resolves when the runtime takes an init
 * message); initialising, suspended and resumed are the container proxy's business and look `idle` or `active` from here.
 */

import type { ContainerId } from '../model/ids.ts'

export const CONTAINER_STATES = [
  /** Wanted; its room is earmarked on a node but still held by containers that are on their way out. */
  'requested',
  /** Room is reserved and the factory is at work. */
  'creating',
  /** Runs its kind, bound to no action; unknown to routers. */
  'stem',
  /** A stem cell that is being fitted to an action. */
  'binding',
  /** Announced to routers, nothing in flight by the last report. */
  'idle',
  /** Announced to routers, requests in flight by the last report. */
  'active',
  /** Routers were asked to stop choosing it. */
  'marked',
  /** Being destroyed. */
  'draining',
  /** Its creation is overdue: its room stays reserved until the factory says what became of it. */
  'lost',
  /** Nothing is left of it. The record is dropped on entering this state. */
  'gone',
] as const
export type ContainerState = (typeof CONTAINER_STATES)[number]

export const CONTAINER_EVENTS = [
  'placed',
  'createdStem',
  'createdBound',
  'createFailed',
  'overdue',
  'bind',
  'bound',
  'bindFailed',
  'used',
  'rested',
  'mark',
  'unmark',
  'sweep',
  'ended',
] as const
export type ContainerEvent = (typeof CONTAINER_EVENTS)[number]

/** What is legal, and where it leads. A pair that is not listed is illegal. */
export const TRANSITIONS: Readonly<Record<ContainerState, Readonly<Partial<Record<ContainerEvent, ContainerState>>>>> =
  {
    requested: { placed: 'creating', sweep: 'gone' },
    creating: { createdStem: 'stem', createdBound: 'idle', createFailed: 'gone', overdue: 'lost', ended: 'gone' },
    stem: { bind: 'binding', sweep: 'draining', ended: 'gone' },
    binding: { bound: 'idle', bindFailed: 'stem', sweep: 'draining', ended: 'gone' },
    idle: { used: 'active', rested: 'idle', mark: 'marked', sweep: 'draining', ended: 'gone' },
    active: { used: 'active', rested: 'idle', mark: 'marked', sweep: 'draining', ended: 'gone' },
    marked: { used: 'marked', rested: 'marked', unmark: 'idle', sweep: 'draining', ended: 'gone' },
    // Reports and answers that were on their way when the removal began arrive here: they are late, not wrong.
    draining: {
      used: 'draining',
      rested: 'draining',
      bound: 'draining',
      bindFailed: 'draining',
      sweep: 'draining',
      ended: 'gone',
    },
    lost: { createdStem: 'draining', createdBound: 'draining', createFailed: 'gone', ended: 'gone' },
    gone: {},
  }

/** The state that `event` leads to from `state`, or undefined where the pair is illegal. */
export function nextState(state: ContainerState, event: ContainerEvent): ContainerState | undefined {
  return TRANSITIONS[state][event]
}

/** True while routers may know the container: those states end with a `containerGone`. */
export function isAnnounced(state: ContainerState): boolean {
  return state === 'idle' || state === 'active' || state === 'marked'
}

/** True while the container is on its way to serve its action but cannot yet. */
export function isStarting(state: ContainerState): boolean {
  return state === 'requested' || state === 'creating' || state === 'binding'
}

/** A step in a container's life; `to` is undefined where the event was illegal and nothing changed. */
export interface Transition {
  readonly id: ContainerId
  readonly from: ContainerState
  readonly event: ContainerEvent
  readonly to: ContainerState | undefined
}
