/**
 * A router on its own, for what its size costs: real stores, caches, table, limits and HTTP edge, and containers that answer at the next turn of the
 * event loop. Arguments: number of actions, data directory. Needs --expose-gc. Prints where it listens and what an action takes in memory. A line of its
 * input, `limited` or `unlimited`, says whether calls are counted from then on; it prints the processor time that its main thread has used until then.
 */

import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { basicEntitlement } from '../../src/entitlement/basic-entitlement.ts'
import { createHttpServer } from '../../src/api/http-server.ts'
import { sendError } from '../../src/api/respond.ts'
import { transactionIdOf } from '../../src/api/transaction-id.ts'
import { GUEST_KEY } from '../../src/cli/connection.ts'
import { systemLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ControlPlane, PoolEvent, PoolEventBody } from '../../src/control/pool-protocol.ts'
import { openRouter } from '../../src/main/open-router.ts'
import { bootstrapSubjects } from '../../src/management/bootstrap.ts'
import { randomCredentials } from '../../src/management/credentials.ts'
import type { Action } from '../../src/model/action.ts'
import { createAction, parseActionPut } from '../../src/model/action-put.ts'
import { SUCCESS } from '../../src/model/activation.ts'
import { systemClock, systemTimers } from '../../src/model/clock.ts'
import type { ContainerId } from '../../src/model/ids.ts'
import { randomIds } from '../../src/model/ids.ts'
import { effectiveLimits } from '../../src/model/limits.ts'
import type { RuntimesManifest } from '../../src/model/manifest.ts'
import { parseFullyQualifiedName, parseNamespaceName } from '../../src/model/names.ts'
import { EMPTY_LOG } from '../../src/proxy/activation-log.ts'
import type { Admission, Limits } from '../../src/router/admission.ts'
import type { HttpInvokeDeps } from '../../src/router/http-invoke.ts'
import { handleInvoke, matchInvocation } from '../../src/router/http-invoke.ts'
import { invoke } from '../../src/router/invoke.ts'
import type { Endpoint } from '../../src/router/routing-table.ts'
import { ActivationSpool } from '../../src/stores/activation-spool.ts'
import { ActivationWriter } from '../../src/stores/activation-writer.ts'
import { createParameterCipher } from '../../src/stores/parameter-cipher.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { MetricsRegistry } from '../../src/telemetry/metrics.ts'
import { UserMetrics } from '../../src/telemetry/user-metrics.ts'

const HOST = '127.0.0.1'
const AUTHORIZATION = `Basic ${Buffer.from(GUEST_KEY).toString('base64')}`
const AT_ONCE = 100
const WARM_CALLS = 30_000
const ECHO = 'function main(args) { return args }'
const clock = systemClock
const ids = randomIds()

const [, , count = '1', dataDir = ''] = process.argv
const names = Array.from({ length: Number(count) }, (_, index) => `action-${index}`)

/** A router over stores that hold the actions. */
async function startRouter(): Promise<ReturnType<typeof openRouter>> {
  const { config } = await loadConfig({
    flags: {},
    env: {
      STAVE_LIMITS_INVOCATIONS_PER_MINUTE: '100000000',
      STAVE_LIMITS_CONCURRENT_INVOCATIONS: '100000',
    },
    readFile: () => '',
    homedir: dataDir,
    cwd: dataDir,
  })
  const limits = systemLimits(config)
  const { artifacts, activations, journal } = await openSqliteStores({ dataDir, clock })
  await bootstrapSubjects(
    { store: artifacts, credentials: randomCredentials(), changed: () => undefined },
    { loopback: true },
  )
  const manifest = oneKind()
  const make = (name: string): Action => {
    const allowed = effectiveLimits(limits, {})
    const namespace = parseNamespaceName('guest')
    const rules = { ...limits, annotationsBytes: limits.parametersBytes, manifest, namespace }
    const put = parseActionPut({ exec: { kind: 'nodejs:default', code: ECHO } }, rules)
    return createAction(parseFullyQualifiedName(`/guest/${name}`, namespace), put, allowed, clock.now())
  }
  for (let at = 0; at < names.length; at += AT_ONCE) {
    await Promise.all(names.slice(at, at + AT_ONCE).map((name) => artifacts.putEntity(make(name), ECHO, undefined)))
  }
  const writer = new ActivationWriter({
    store: activations,
    spool: new ActivationSpool({ directory: dataDir }),
    clock,
    timers: systemTimers,
    flushIntervalMs: config.activations.flushIntervalMs,
  })
  await writer.start()
  const made = openRouter({
    config,
    limits,
    cipher: createParameterCipher({ current: undefined, keys: [] }),
    artifacts,
    entitlement: basicEntitlement(),
    journal,
    writer,
    control: alwaysReady(),
    endpointOf: () => answering,
    manifest,
    runsImages: false,
    userMetrics: new UserMetrics(new MetricsRegistry()),
    isStopping: () => false,
    clock,
    timers: systemTimers,
    ids,
    log: silentLogger,
  })
  made.dispatcher.start()
  return made
}

function oneKind(): RuntimesManifest {
  const kind = {
    kind: 'nodejs:24',
    family: 'nodejs',
    default: true,
    deprecated: false,
    requireMain: false,
    attached: true,
    sentinelledLogs: true,
    image: { name: 'nodejs' },
    stemCells: [],
  }
  return { kinds: [kind], blackboxes: [] }
}

/** A control plane that has a container for whoever wants one. */
function alwaysReady(): ControlPlane {
  const epoch = 1
  let sequence = 0
  let tell: ((event: PoolEvent) => void) | undefined
  const broadcast = (body: PoolEventBody): void => tell?.({ ...body, epoch, sequence: ++sequence })
  return {
    join(_router, listener) {
      tell = listener
      return { snapshot: { epoch, sequence, containers: [] }, leave: () => (tell = undefined) }
    },
    demand({ action, parked }) {
      if (parked === 0) return
      const { actionKey, concurrency } = action
      const container = { id: ids.containerId(), actionKey, node: 'node', concurrency, start: 'cold' as const }
      setImmediate(() => broadcast({ type: 'containerReady', container }))
    },
    acknowledgeMark: () => undefined,
    usedWhileMarked: () => undefined,
    reportUse: () => undefined,
    discard: (_id: ContainerId) => undefined,
  }
}

/** Who is let in while nobody counts. */
const ADMITTED: Admission = { quota: undefined, release: () => undefined }

/** Every container: the answer is the argument. */
const answering: Endpoint = {
  queueLimit: 2,
  submit({ argumentBytes }, done) {
    const startedAt = clock.now()
    const beganAt = clock.monotonic()
    setImmediate(() =>
      done({
        type: 'finished',
        outcome: { statusCode: SUCCESS, resultJson: argumentBytes, size: argumentBytes.length },
        start: 'warm',
        startedAt,
        endedAt: clock.now(),
        beganAt,
        initMs: undefined,
        runMs: clock.monotonic() - beganAt,
        serviceMs: 0.05,
        timedOut: false,
        log: EMPTY_LOG,
      }),
    )
  },
}

async function measure(invokeDeps: HttpInvokeDeps): Promise<object> {
  const call = async (name: string): Promise<void> => {
    const answer = await invoke(
      {
        authorization: AUTHORIZATION,
        namespace: '_',
        package: undefined,
        name,
        declaredBytes: 2,
        readPayload: () => Promise.resolve(Buffer.from('{}')),
        transactionId: ids.transactionId(),
        receivedAt: clock.monotonic(),
        readMode: () => ({ blocking: true, timeoutMs: 60_000 }),
      },
      invokeDeps,
    )
    if (answer.type !== 'completed') throw new Error(`${name} was not run`)
  }
  // The first call makes what is made once.
  await call(names[0] ?? '')
  const before = await heapBytes()
  for (const name of names) await call(name)
  const bytesPerAction = Math.max(0, (await heapBytes()) - before) / names.length
  // However few actions there are: the compiler has seen the same number of calls.
  for (let count = names.length; count < WARM_CALLS; count++) await call(names[count % names.length] ?? '')

  const server = createHttpServer((req, res) => {
    const exchange = { req, res, tid: transactionIdOf(req, ids) }
    const invocation = matchInvocation(req.url ?? '')
    if (invocation === undefined) return void res.writeHead(404).end()
    handleInvoke(exchange, invocation, invokeDeps).catch((error: unknown) => sendError(exchange, error, reportFault))
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, HOST, () => resolve((server.address() as AddressInfo).port))
  })
  const paths = names.map((name) => `/api/v1/namespaces/_/actions/${name}?blocking=true&result=true`)
  const headers = { Authorization: AUTHORIZATION, 'Content-Type': 'application/json' }
  return { target: { host: HOST, port, paths, headers }, bytesPerAction }
}

function reportFault(error: unknown): void {
  process.stderr.write(`${String(error)}\n`)
}

/** What is really in use, when records have been written and everything that is garbage has gone. */
async function heapBytes(): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, 500)
  })
  if (globalThis.gc === undefined) throw new Error('--expose-gc is missing')
  for (let round = 0; round < 3; round++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const { invokeDeps } = await startRouter()
const { limits } = invokeDeps
let limited = true
const switched: Limits = { ...limits, enter: (identity) => (limited ? limits.enter(identity) : ADMITTED) }
process.stdout.write(`${JSON.stringify(await measure({ ...invokeDeps, limits: switched }))}\n`)
createInterface({ input: process.stdin }).on('line', (line) => {
  limited = line === 'limited'
  process.stdout.write(`${JSON.stringify(process.threadCpuUsage())}\n`)
})
