/** Puts the numbers that the parts of a server keep under Prometheus names. Everything is read at scrape time; nothing is counted twice. */

import type { DistributedContainerPool } from '../control/distributed-container-pool.ts'
import type { Journal } from '../journal/journal.ts'
import type { Management } from '../management/management.ts'
import type { ProxyRegistry } from '../proxy/proxy-registry.ts'
import type { Limits } from '../router/admission.ts'
import type { Authenticator } from '../router/authenticate.ts'
import type { BusyPoll } from '../router/busy-poll.ts'
import type { Dispatcher } from '../router/dispatch.ts'
import type { JournalDispatcher } from '../router/journal-dispatcher.ts'
import type { RecordKeeper } from '../router/keep-records.ts'
import type { Parking } from '../router/parking.ts'
import type { FireDeps } from '../router/fire.ts'
import type { Resolver } from '../router/resolve.ts'
import type { TriggerResolver } from '../router/resolve-trigger.ts'
import type { Turns } from '../router/turns.ts'
import type { ActivationWriter } from '../stores/activation-writer.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { MetricsRegistry, Sample } from '../telemetry/metrics.ts'
import type { FactoryNumbers } from './containers.ts'
import type { ObserveOperation } from './measured-factory.ts'

export interface MeasuredParts {
  readonly admission: Limits
  readonly authenticator: Authenticator
  readonly busyPoll: BusyPoll
  readonly dispatcher: Dispatcher
  readonly factory: { readonly metrics: FactoryNumbers }
  readonly journal: JournalDispatcher
  readonly cipher: ParameterCipher
  readonly journalStore: Pick<Journal, 'depth'>
  readonly management: Management
  readonly parking: Parking
  readonly pool: DistributedContainerPool
  readonly proxies: ProxyRegistry
  readonly records: RecordKeeper
  readonly resolver: Resolver
  readonly fireDeps: Pick<FireDeps, 'fireCounters'>
  readonly triggerResolver: TriggerResolver
  readonly turns: Turns
  readonly writer: ActivationWriter
}

/** From a freezer write to a slow engine, in seconds. */
const OPERATION_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What providers differ in: how long their operations take. */
export function observeOperations(registry: MetricsRegistry, provider: string): ObserveOperation {
  const family = registry.histograms(
    'stave_factory_operation_seconds',
    'Time that creating, suspending, resuming and destroying a container took, where it succeeded.',
    ['provider', 'operation'],
    OPERATION_BOUNDS,
  )
  return (operation, ms) => family.with(provider, operation).observe(ms / 1000)
}

/** Registers all of them. */
export function registerStandaloneMetrics(registry: MetricsRegistry, parts: MeasuredParts): void {
  const events = (name: string, help: string, counters: object): void =>
    registry.observe('counter', name, help, () => samplesOf(counters))
  const gauge = (name: string, help: string, read: () => number): void => registry.observe('gauge', name, help, read)
  const { writer, parking, dispatcher, journal, journalStore, pool, factory, proxies } = parts

  events(
    'stave_router_admissions_total',
    'Calls that asked to be let in, by what became of it.',
    parts.admission.counters,
  )
  gauge('stave_router_turns_waiting', 'Calls that wait for the turn of their namespace.', () => parts.turns.length)
  events(
    'stave_router_turns_total',
    'Calls that had to wait for a turn, and those that got none.',
    parts.turns.counters,
  )
  events('stave_router_authentications_total', 'Look-ups of callers.', parts.authenticator.counters)
  events('stave_router_resolutions_total', 'Look-ups of actions.', parts.resolver.counters)
  events(
    'stave_router_busy_polls_total',
    'Waits for which the processor was kept awake: whether the event came meanwhile.',
    parts.busyPoll.counters,
  )
  events('stave_router_trigger_resolutions_total', 'Look-ups of triggers.', parts.triggerResolver.counters)
  events(
    'stave_router_fires_total',
    'Fires of triggers that were let in, by what became of them.',
    parts.fireDeps.fireCounters,
  )
  events('stave_router_dispatches_total', 'Ways in which requests got into containers.', dispatcher.counters)
  gauge('stave_router_active', 'Requests that run or wait for a container.', () => dispatcher.active)
  gauge('stave_router_parked', 'Requests that wait for a container.', () => parking.length)
  events('stave_router_parking_total', 'Requests that got no place to wait for a container.', parking.counters)
  gauge('stave_router_namespaces', 'Namespaces whose calls are counted now.', () => parts.admission.namespaces)
  gauge('stave_router_in_flight', 'Activations that count against concurrency limits.', () => parts.admission.inFlight)

  events('stave_proxy_events_total', 'What the container proxies did.', proxies.counters)
  gauge('stave_proxies', 'Containers with a proxy on this node.', () => proxies.size)

  events('stave_pool_events_total', 'What the control plane did.', pool.counters)
  registry.observe('gauge', 'stave_pool_containers', 'Containers by state.', () => containersByState(pool))
  gauge('stave_factory_containers', 'Containers that the factory holds.', () => factory.metrics.containers)
  gauge(
    'stave_factory_starts_waiting',
    'Container starts that wait for their turn.',
    () => factory.metrics.startsWaiting,
  )
  gauge('stave_factory_starts', 'Container starts under way.', () => factory.metrics.startsUnderWay)
  registry.observe('counter', 'stave_factory_events_total', 'Starts and ends of containers.', () => {
    const { started, startFailures, outOfMemory } = factory.metrics
    return samplesOf({ started, startFailures, outOfMemory })
  })

  events('stave_journal_calls_total', 'Calls that nobody waits for, by what became of them.', journal.counters)
  events('stave_journal_rules_total', 'Rules of fires, by what became of them.', journal.fires.counters)
  gauge('stave_journal_fires_waiting', 'Fires that wait for room in the journal.', () => journal.fires.waiting)
  gauge('stave_journal_working', 'Journalled calls under way.', () => journal.working)
  gauge('stave_journal_entries', 'Calls in the journal.', () => journalStore.depth().entries)
  gauge('stave_journal_bytes', 'Size of the calls in the journal.', () => journalStore.depth().bytes)

  gauge('stave_activations_pending', 'Records that are not stored yet.', () => writer.pending)
  gauge('stave_activations_pending_bytes', 'Their size.', () => writer.pendingBytes)
  gauge(
    'stave_activations_spool_bytes',
    'Size of the spool that records go to while the store is away.',
    () => writer.spoolBytes,
  )
  registry.observe('counter', 'stave_activations_total', 'Records by what became of them.', () => {
    const { flushed, failures, spooled, replayed, rejected } = writer
    return samplesOf({ flushed, failures, spooled, replayed, rejected, ...parts.records.counters })
  })
  events(
    'stave_parameters_total',
    'Values of parameters encrypted and decrypted, and failures to.',
    parts.cipher.counters,
  )
  events('stave_management_requests_total', 'Requests to the management plane.', parts.management.counters)
}

function samplesOf(counters: object): readonly Sample[] {
  return Object.entries(counters).map(([event, value]) => ({ labels: { event }, value: Number(value) }))
}

function containersByState(pool: DistributedContainerPool): readonly Sample[] {
  const states = new Map<string, number>()
  for (const { state } of pool.inspect()) states.set(state, (states.get(state) ?? 0) + 1)
  return [...states].map(([state, value]) => ({ labels: { state }, value }))
}
