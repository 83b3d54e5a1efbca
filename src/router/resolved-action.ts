/** An action made ready for being called by one namespace: everything that does not change from call to call is computed here, once. */

import type { Resources } from '../containers/container-factory.ts'
import type { ActionKey, ActionRequirements } from '../control/pool-protocol.ts'
import type { RunnableAction } from '../model/action.ts'
import { kindOf, limitsJson } from '../model/action.ts'
import type { Outcome } from '../model/activation.ts'
import type { Identity } from '../model/identity.ts'
import type { Revision } from '../model/ids.ts'
import type { JsonValue } from '../model/json.ts'
import { isJsonObject, isTruthy } from '../model/json.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import { findKind, formatImage } from '../model/manifest.ts'
import type { NamespaceName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { Parameter } from '../model/parameters.ts'
import { annotation, mergeByKey } from '../model/parameters.ts'
import type { OpenedPackage } from '../entitlement/open-package.ts'
import type { ActionProgram } from '../proxy/run-request.ts'
import type { Platform } from './unrunnable.ts'
import { unrunnable } from './unrunnable.ts'
import type { WebExport } from './web/web-export.ts'
import { webExportOf } from './web/web-export.ts'
import { CodeMissing } from '../proxy/container-proxy.ts'

/** What metrics say of an activation besides how it ended. */
export interface Observed {
  /** The action's own namespace. */
  readonly namespace: NamespaceName
  /** As the list filter `name` has it. */
  readonly action: string
  readonly kind: string
  readonly memoryMb: number
}

/** What is bound to an action, in the forms that its arguments are made of. */
export interface BoundParameters {
  /** Bound parameters that go with each run. */
  readonly bound: ReadonlyMap<string, JsonValue>
  /** The same as JSON members without braces (`"a":1,"b":2`), as UTF-8 bytes in a latin1 string. */
  readonly boundBytes: string
  /** Environment from parameters that go with init. */
  readonly initEnvironment: Readonly<Record<string, string>>
  /** Keys that a payload may not set (annotation `final`); undefined: it may set all. */
  readonly finalKeys: ReadonlySet<string> | undefined
  /** Keys that go with init even when the payload sets them. */
  readonly initKeys: ReadonlySet<string>
}

export interface ResolvedAction extends BoundParameters {
  readonly type: 'action'
  /** As stored: its parameters are its own alone. */
  readonly action: RunnableAction
  readonly key: ActionKey
  readonly requirements: ActionRequirements
  readonly program: ActionProgram
  /** All bound parameters: those of the package, overridden by those of the binding, overridden by the action's own. */
  readonly parameters: readonly Parameter[]
  /** `NS/BINDING`, where the action was called through one. */
  readonly bindingPath: string | undefined
  readonly providesApiKey: boolean
  /** How it is called as a web action; undefined: it is not exported. */
  readonly web: WebExport | undefined
  /** What the list filter `name` matches. */
  readonly filter: string
  readonly observed: Observed
  /** Leading members of the record's annotations, as JSON text without the closing bracket. */
  readonly annotationsHead: string
  /** The same for the composition that the action conducts (annotation `conductor`); undefined: it conducts none. */
  readonly flowHead: string | undefined
  /** A run that was cut off by a crash may be begun again (annotation `idempotent`). */
  readonly idempotent: boolean
  /** What each call comes to without being run; undefined: it is run. */
  readonly unrunnable: Outcome | undefined
}

const MEGABYTE = 1024 * 1024

/** What an action was found as, for whom. */
export interface FoundAction {
  /** The caller: its namespace is the one that is invoking. */
  readonly identity: Identity
  readonly action: RunnableAction
  readonly revision: Revision
  /** The way to it; absent for actions that lie in no package. */
  readonly opened?: OpenedPackage
}

/** Computes what calls of an action by one namespace share. `loadCode` reads code by digest. */
export function resolveFor(
  { identity, action, revision, opened }: FoundAction,
  manifest: RuntimesManifest,
  platform: Platform,
  loadCode: (digest: string) => Promise<string | undefined>,
): ResolvedAction {
  const { limits, exec, annotations } = action
  const { namespace: caller } = identity
  const path = formatPath(action)
  const binding = opened?.binding?.document
  const key = `${caller}:${path}@${revision}${initRevisions(opened)}` as ActionKey
  const parameters = opened === undefined ? action.parameters : mergeByKey(opened.parameters, action.parameters)
  const atRun = parameters.filter((parameter) => parameter.init !== true)
  const atInit = parameters.filter((parameter) => parameter.init === true)
  const provideApiKey = annotation(annotations, 'provide-api-key')
  const kind = findKind(manifest, kindOf(exec))
  const filter = action.package === undefined ? action.name : `${binding?.name ?? action.package}/${action.name}`
  const bindingPath = binding === undefined ? undefined : formatPath(binding)
  const head = (...own: [string, JsonValue][]): string => {
    const all = [['path', path], ...own, ...(bindingPath === undefined ? [] : [['binding', bindingPath]])]
    return `[${all.map(([name, value]) => JSON.stringify({ key: name, value })).join(',')}`
  }
  return {
    type: 'action',
    action,
    key,
    requirements: {
      actionKey: key,
      namespace: caller,
      kind: kindOf(exec),
      image: exec.type === 'blackbox' ? exec.image : kind === undefined ? '' : formatImage(kind.image),
      resources: { memoryMb: limits.memoryMb, ...declaredResources(annotation(annotations, 'resources')) },
      concurrency: limits.concurrency,
      maxContainers: Math.max(1, Math.min(limits.instances ?? Infinity, identity.limits.maxActionInstances)),
    },
    program: {
      name: action.name,
      path: `/${path}`,
      version: action.version,
      main: exec.main ?? 'main',
      binary: exec.binary,
      timeoutMs: limits.timeoutMs,
      logLimitBytes: limits.logsMb * MEGABYTE,
      concurrency: limits.concurrency,
      async loadCode() {
        if (exec.code === undefined) return undefined
        const code = await loadCode(exec.code)
        if (code === undefined) throw new CodeMissing(`code ${exec.code} of ${path} is not in the store`)
        return code
      },
    },
    parameters,
    bindingPath,
    bound: new Map(atRun.map(({ key, value }) => [key, value])),
    boundBytes: toBytes(atRun.map(({ key, value }) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')),
    initEnvironment: Object.fromEntries(atInit.map(({ key, value }) => [key, environmentValue(value)])),
    finalKeys: isTruthy(annotation(annotations, 'final'))
      ? new Set(parameters.filter(({ value }) => value !== null).map(({ key }) => key))
      : undefined,
    initKeys: new Set(atInit.map(({ key }) => key)),
    // An action older than the annotation gets the key: absence counts as true.
    providesApiKey: provideApiKey === undefined || isTruthy(provideApiKey),
    filter,
    observed: { namespace: action.namespace, action: filter, kind: kindOf(exec), memoryMb: limits.memoryMb },
    annotationsHead: head(['kind', kindOf(exec)], ['limits', limitsJson(limits)]),
    flowHead: isTruthy(annotation(annotations, 'conductor'))
      ? head(['kind', 'sequence'], ['conductor', true])
      : undefined,
    web: webExportOf(annotations),
    idempotent: isTruthy(annotation(annotations, 'idempotent')),
    unrunnable: unrunnable(action, platform),
  }
}

/**
 * What the key says of packages: a container was initialised with their init parameters as they were. Revisions, not values, which are secret and would
 * show in labels; of all on the way, since one may take out what another puts in.
 */
function initRevisions(opened: OpenedPackage | undefined): string {
  const concerned = opened?.chain.some(({ document }) => document.parameters.some(({ init }) => init === true)) ?? false
  return concerned ? (opened?.chain.map(({ revision }) => `+${revision}`).join('') ?? '') : ''
}

/** Text as the environment of a process has it: strings as they are, null empty, the rest as compact JSON. */
export function environmentValue(value: JsonValue): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The UTF-8 bytes of `text` as a latin1 string. */
export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Named resources of the annotation `resources`: non-negative numbers only, anything else is ignored as unknown annotations are. */
function declaredResources(value: JsonValue | undefined): Resources {
  if (!isJsonObject(value)) return {}
  const entries = Object.entries(value).filter(
    (entry): entry is [string, number] =>
      entry[0] !== 'memoryMb' && typeof entry[1] === 'number' && Number.isFinite(entry[1]) && entry[1] >= 0,
  )
  return Object.fromEntries(entries)
}
