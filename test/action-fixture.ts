/** Actions, identities and run requests for tests, made by the product's own functions from plain fields. */

import type { RunnableAction } from '../src/model/action.ts'
import type { CodeDigest } from '../src/model/action.ts'
import type { Identity, SubjectName } from '../src/model/identity.ts'
import { ALL_RIGHTS } from '../src/model/identity.ts'
import type { ActivationId, Revision, TransactionId } from '../src/model/ids.ts'
import type { SystemLimits } from '../src/model/limits.ts'
import { effectiveLimits } from '../src/model/limits.ts'
import type { EntityName, NamespaceName } from '../src/model/names.ts'
import { FIRST_VERSION } from '../src/model/version.ts'
import type { RunRequest } from '../src/proxy/run-request.ts'
import type { ResolvedAction } from '../src/router/resolved-action.ts'
import { resolveFor } from '../src/router/resolved-action.ts'

const MEGABYTE = 1024 * 1024

export const systemLimitsFixture: SystemLimits = {
  timeoutMs: { min: 100, std: 60_000, max: 300_000 },
  memoryMb: { min: 128, std: 256, max: 512 },
  logsMb: { min: 0, std: 10, max: 10 },
  concurrency: { min: 1, std: 1, max: 500 },
  invocationsPerMinute: 60,
  concurrentInvocations: 30,
  firesPerMinute: 60,
  sequenceLength: 50,
  parametersBytes: MEGABYTE,
  codeBytes: 48 * MEGABYTE,
  payloadBytes: MEGABYTE,
  truncationBytes: MEGABYTE,
  blockingWaitMs: 60_000,
  requestBytes: 50 * MEGABYTE,
  listStd: 30,
  listMax: 200,
}

/** The caller `guest`; `limits` override the system's. */
export function identityFixture(limits: Identity['ownLimits'] = {}): Identity {
  return {
    subject: 'guest' as SubjectName,
    namespace: 'guest' as NamespaceName,
    uuid: '00000000-0000-4000-8000-000000000001',
    key: 'k'.repeat(64),
    rights: ALL_RIGHTS,
    ownLimits: limits,
    limits: effectiveLimits(systemLimitsFixture, limits),
  }
}

/** An action of `guest`, resolved for it. */
export function actionFixture(fields: Partial<RunnableAction> = {}, revision = '1'): ResolvedAction {
  const action: RunnableAction = {
    entityType: 'action',
    namespace: 'guest' as NamespaceName,
    name: 'hello' as EntityName,
    version: FIRST_VERSION,
    publish: false,
    parameters: [],
    annotations: [],
    limits: { timeoutMs: 60_000, memoryMb: 256, logsMb: 10, concurrency: 1 },
    exec: { type: 'code', kind: 'nodejs:24', code: 'd'.repeat(64) as CodeDigest, codeBytes: 10, binary: false },
    updated: 1_700_000_000_000,
    ...fields,
  }
  const identity = identityFixture()
  const manifest = { kinds: [], blackboxes: [] }
  const platform = { runsImages: false, limits: systemLimitsFixture }
  return resolveFor({ identity, action, revision: revision as Revision }, manifest, platform, async () => 'code')
}

let counter = 0

/** A request to run `action` with the given argument bytes. */
export function runRequestFixture(action: ResolvedAction = actionFixture(), argumentBytes = '{}'): RunRequest {
  counter++
  return {
    activationId: counter.toString(16).padStart(32, '0') as ActivationId,
    transactionId: 'tid' as TransactionId,
    program: action.program,
    namespace: 'guest',
    apiKey: undefined,
    argumentBytes,
    initEnvironment: {},
    resultLimitBytes: MEGABYTE,
    truncationBytes: MEGABYTE,
  }
}
