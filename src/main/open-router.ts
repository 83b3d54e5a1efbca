/** One router: its caches, limits, waiting room and dispatchers, wired to the stores, the control plane and the proxies that it is given. */

import { availableParallelism } from 'node:os'
import type { Config } from '../config/schema.ts'
import type { ControlPlane, RouterId } from '../control/pool-protocol.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import type { Journal } from '../journal/journal.ts'
import type { StoreChange } from '../management/store-change.ts'
import type { Clock, Timers } from '../model/clock.ts'
import { refusal } from '../model/errors.ts'
import type { ContainerId, IdSource } from '../model/ids.ts'
import type { SystemLimits } from '../model/limits.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import type { Limits } from '../router/admission.ts'
import { localLimits } from '../router/admission.ts'
import type { Authenticator } from '../router/authenticate.ts'
import { createAuthenticator } from '../router/authenticate.ts'
import type { BusyPoll } from '../router/busy-poll.ts'
import { busyPoll } from '../router/busy-poll.ts'
import type { AuthenticationProvider } from '../router/authentication-provider.ts'
import { basicAuthentication } from '../router/basic-authentication.ts'
import type { Dispatcher } from '../router/dispatch.ts'
import { createDispatcher } from '../router/dispatch.ts'
import { createFireExpander } from '../router/fire-expansion.ts'
import type { HttpFireDeps } from '../router/http-fire.ts'
import type { HttpInvokeDeps } from '../router/http-invoke.ts'
import type { ActivateDeps, ObserveCompletion } from '../router/activate.ts'
import type { JournalDispatcher } from '../router/journal-dispatcher.ts'
import { createJournalDispatcher } from '../router/journal-dispatcher.ts'
import type { RecordKeeper } from '../router/keep-records.ts'
import { createRecordKeeper } from '../router/keep-records.ts'
import type { Parking } from '../router/parking.ts'
import { createParking } from '../router/parking.ts'
import type { Resolver } from '../router/resolve.ts'
import type { Observed } from '../router/resolved-action.ts'
import { createResolver } from '../router/resolve.ts'
import type { TriggerResolver } from '../router/resolve-trigger.ts'
import { createTriggerResolver } from '../router/resolve-trigger.ts'
import type { Endpoint } from '../router/routing-table.ts'
import { createRoutingTable } from '../router/routing-table.ts'
import type { Turns } from '../router/turns.ts'
import { createTurns } from '../router/turns.ts'
import type { WebDeps } from '../router/web/web.ts'
import type { ActivationWriter } from '../stores/activation-writer.ts'
import type { ArtifactStore } from '../stores/artifact-store.ts'
import type { ParameterCipher } from '../stores/parameter-cipher.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ActionSeries, UserMetrics } from '../telemetry/user-metrics.ts'

/**
 * Calls of a namespace that begin without a turn, and calls of all that begin in one: what a call that comes next waits for, a millisecond or two. With far
 * fewer a burst would trickle in, and what is one need would be decided about twice (bench/burst.ts).
 */
const CALLS_TOGETHER = 16
const CALLS_A_TURN = 16
/** Each of them holds a connection and no more: what its namespace has under way at once is limited before. */
const MAX_WAITING_FOR_A_TURN = 20_000

export interface OpenRouterOptions {
  readonly config: Config
  readonly limits: SystemLimits
  readonly artifacts: ArtifactStore
  readonly cipher: Pick<ParameterCipher, 'open'>
  readonly entitlement: EntitlementProvider
  readonly journal: Journal
  readonly writer: ActivationWriter
  readonly control: ControlPlane
  readonly endpointOf: (id: ContainerId) => Endpoint | undefined
  readonly manifest: RuntimesManifest
  /** Actions may be images of users. */
  readonly runsImages: boolean
  readonly userMetrics: UserMetrics
  /** True from the moment that nothing new may be accepted. */
  readonly isStopping: () => boolean
  readonly clock: Clock
  readonly timers: Timers
  readonly ids: IdSource
  readonly log: Logger
}

export interface Router {
  readonly authenticator: Authenticator
  readonly resolver: Resolver
  readonly triggerResolver: TriggerResolver
  readonly admission: Limits
  readonly turns: Turns
  readonly parking: Parking
  readonly dispatcher: Dispatcher
  readonly busyPoll: BusyPoll
  readonly journal: JournalDispatcher
  readonly records: RecordKeeper
  readonly invokeDeps: HttpInvokeDeps
  readonly fireDeps: HttpFireDeps
  readonly webDeps: Omit<WebDeps, 'reportFault'>
  /** Drops what is cached of a changed entity, subject or limit. */
  invalidate(change: StoreChange): void
}

/** Builds a router that has not joined the control plane yet. */
export function openRouter(options: OpenRouterOptions): Router {
  const { config, limits, artifacts, cipher, writer, clock, timers, ids, log } = options
  /** Entities with their parameters decrypted: for whatever hands them to actions, and never to be written or shown. */
  const readable: ArtifactStore['getEntity'] = async (name) => {
    const found = await artifacts.getEntity(name)
    return found && { ...found, document: cipher.open(found.document) }
  }
  const authenticator = createAuthenticator({
    provider: openAuthentication(config.authentication.provider, artifacts),
    systemLimits: limits,
    clock,
    cacheEntries: config.router.authCacheEntries,
    cacheTtlMs: config.router.authCacheTtlMs,
  })
  const resolver = createResolver({
    getEntity: readable,
    entitlement: options.entitlement,
    getCode: (digest) => artifacts.getCode(digest),
    manifest: options.manifest,
    // The one provider that there is runs processes.
    platform: { runsImages: options.runsImages, limits },
    cacheEntries: config.router.actionCacheEntries,
  })
  const triggerResolver = createTriggerResolver({ getEntity: (name) => artifacts.getEntity(name) })
  const turns = createTurns({
    together: CALLS_TOGETHER,
    perTurn: CALLS_A_TURN,
    maxWaiting: MAX_WAITING_FOR_A_TURN,
    maxWaitMs: config.router.parkTimeoutMs,
    monotonic: () => clock.monotonic(),
    nextTurn,
  })
  const parking = createParking({
    clock,
    timers,
    maxParked: config.router.maxParked,
    maxParkedPerAction: config.router.maxParkedPerAction,
    onChange: (actionKey, parked) => dispatcher.demand(actionKey, parked),
    nextTurn,
  })
  const processors = availableParallelism()
  const poll = busyPoll({
    clock,
    maxMs: config.router.busyPollUs / 1000,
    maxBusy: Math.floor(processors / 2),
    nextTurn,
  })
  const dispatcher: Dispatcher = createDispatcher({
    router: 'router0' as RouterId,
    table: createRoutingTable(),
    parking,
    control: options.control,
    endpointOf: options.endpointOf,
    parallelism: Math.max(1, processors - 1),
    busyPoll: poll,
    clock,
    timers,
  })
  const admission = localLimits({
    window: config.router.rateWindow,
    headers: config.router.rateLimitHeaders,
    clock,
  })
  const records = createRecordKeeper(writer, {
    blocking: config.activations.storeBlocking,
    nonBlocking: config.activations.storeNonBlocking,
  })
  const activateDeps: ActivateDeps = {
    dispatcher,
    record: records.record,
    observe: observer(options.userMetrics),
    clock,
    parkTimeoutMs: config.router.parkTimeoutMs,
    resolve: (identity, target) => resolver.resolve(identity, target),
    ids,
    sequenceLength: limits.sequenceLength,
  }
  const journal = createJournalDispatcher({
    ...activateDeps,
    journal: options.journal,
    lookUp: (uuid, key) => authenticator.lookUp(uuid, key),
    limits: admission,
    expandFire: createFireExpander({
      resolve: (identity, target) => resolver.resolve(identity, target),
      limits: admission,
      ids,
      clock,
      deadlineMs: config.journal.deadlineMs,
    }),
    store: records.store,
    recorded: (namespace, activationId) => writer.get(namespace, activationId),
    timers,
    dispatchers: config.journal.dispatchers,
    bounds: config.journal,
    deadlineMs: config.journal.deadlineMs,
    report: (error, activationId) => log.warn({ error, activationId }, 'a journalled call failed and is tried again'),
  })
  const invokeDeps: HttpInvokeDeps = {
    ...activateDeps,
    authenticate: (authorization) => authenticator.authenticate(authorization),
    limits: admission,
    turns,
    journal: (accepted, admitted) => journal.accept(accepted, admitted),
    refuse: () => {
      if (options.isStopping()) return refusal('SHUTTING_DOWN', 503, '', { retryAfterSeconds: 1 })
      return writer.saturated ? refusal('STORE_UNAVAILABLE', 503, '', { retryAfterSeconds: 1 }) : undefined
    },
    ids,
    timers,
    blockingWaitMs: limits.blockingWaitMs,
    bodyLimits: { maxBytes: limits.requestBytes, timeoutMs: config.http.requestTimeoutMs },
  }
  const fireDeps: HttpFireDeps = {
    authenticate: invokeDeps.authenticate,
    entitlement: options.entitlement,
    resolveTrigger: (name) => triggerResolver.resolve(name),
    limits: admission,
    journalFire: (accepted) => journal.acceptFire(accepted),
    refuse: invokeDeps.refuse,
    fireCounters: { accepted: 0, withoutActiveRule: 0 },
    ids,
    clock,
    bodyLimits: invokeDeps.bodyLimits,
  }
  return {
    authenticator,
    resolver,
    triggerResolver,
    admission,
    turns,
    parking,
    dispatcher,
    busyPoll: poll,
    journal,
    records,
    invokeDeps,
    fireDeps,
    webDeps: {
      ...invokeDeps,
      ownerOf: (namespace) => authenticator.ownerOf(namespace),
      getEntity: (name) => artifacts.getEntity(name),
    },
    invalidate(change) {
      switch (change.type) {
        case 'entity':
          triggerResolver.invalidate(change.name)
          return resolver.invalidate(change.name)
        case 'subject':
          return authenticator.forgetSubject(change.subject, change.namespaces)
        case 'limits':
          authenticator.forgetNamespace(change.namespace)
          return resolver.forgetCaller(change.namespace)
      }
    },
  }
}

function nextTurn(callback: () => void): void {
  setImmediate(callback)
}

/** The provider that the configuration names. */
function openAuthentication(
  provider: Config['authentication']['provider'],
  artifacts: ArtifactStore,
): AuthenticationProvider {
  switch (provider) {
    case 'basic':
      return basicAuthentication(artifacts)
  }
}

function observer(userMetrics: UserMetrics): ObserveCompletion {
  /** What is observed belongs to one caller's namespace, as what an action is resolved to does. */
  const known = new WeakMap<Observed, ActionSeries>()
  return (identity, observed, { outcome, run, waitMs }, { duration = 0 }) => {
    let series = known.get(observed)
    if (series === undefined) {
      series = userMetrics.seriesOf({ ...observed, initiator: identity.namespace })
      known.set(observed, series)
    }
    series.record({
      statusCode: outcome.statusCode,
      durationMs: run === undefined ? duration : run.runMs + (run.initMs ?? 0),
      waitTimeMs: waitMs,
      initTimeMs: run?.initMs,
      responseBytes: outcome.resultJson.length,
    })
  }
}
