/** Actions as they are stored. Code lives apart, under its digest: a routing table of thousands of actions must not hold their sources. */

import type { Brand } from './brand.ts'
import type { FullyQualifiedName } from './names.ts'
import { formatNamespace, formatPath } from './names.ts'
import type { Annotation, Parameter } from './parameters.ts'
import type { Version } from './version.ts'

/** Lower-case hex SHA-256 of an action's code as uploaded (the text, or the base64 of an archive). */
export type CodeDigest = Brand<string, 'CodeDigest'>

/** Code of a managed kind. */
export interface CodeExec {
  readonly type: 'code'
  /** A concrete kind such as `nodejs:24`, never `family:default`. */
  readonly kind: string
  readonly code: CodeDigest
  readonly codeBytes: number
  /** The code is the base64 of an archive (decided by OpenWhisk's look-alike rule, not by the client). */
  readonly binary: boolean
  readonly main?: string
}

/** A user's own image. */
export interface BlackboxExec {
  readonly type: 'blackbox'
  readonly image: string
  readonly code?: CodeDigest
  readonly codeBytes: number
  readonly binary: boolean
  readonly main?: string
}

/** A pipeline: what one component returns is what the next one is given. It has no code and no container of its own. */
export interface SequenceExec {
  readonly type: 'sequence'
  /** In the order in which they run; `_` is resolved when the sequence is written. */
  readonly components: readonly FullyQualifiedName[]
}

/** What a container can run. */
export type RunnableExec = CodeExec | BlackboxExec
export type Exec = RunnableExec | SequenceExec

export interface ActionLimits {
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly logsMb: number
  /** Runs at once in one container. */
  readonly concurrency: number
  /** Containers at once; absent: the namespace's concurrent limit bounds them. */
  readonly instances?: number
}

export interface Action extends FullyQualifiedName {
  readonly entityType: 'action'
  readonly version: Version
  readonly publish: boolean
  readonly parameters: readonly Parameter[]
  readonly annotations: readonly Annotation[]
  readonly limits: ActionLimits
  readonly exec: Exec
  /** ms since the epoch, set by the server at each write. */
  readonly updated: number
}

/** An action with code or an image, as opposed to a sequence. */
export interface RunnableAction extends Action {
  readonly exec: RunnableExec
}

export interface Sequence extends Action {
  readonly exec: SequenceExec
}

export function isSequence(action: Action): action is Sequence {
  return action.exec.type === 'sequence'
}

export function isRunnable(action: Action): action is RunnableAction {
  return action.exec.type !== 'sequence'
}

/** The kind as annotations and records name it: `blackbox` for images, `sequence` for sequences. */
export function kindOf(exec: Exec): string {
  return exec.type === 'code' ? exec.kind : exec.type
}

/** `limits` in OpenWhisk's JSON form. */
export function limitsJson(limits: ActionLimits): Record<string, number> {
  return {
    timeout: limits.timeoutMs,
    memory: limits.memoryMb,
    logs: limits.logsMb,
    concurrency: limits.concurrency,
    ...(limits.instances !== undefined && { instances: limits.instances }),
  }
}

/** The action's JSON form in PUT, GET and DELETE answers. `code` is included in `exec` when given. */
export function actionJson(action: Action, code?: string): Record<string, unknown> {
  const { exec } = action
  return {
    namespace: formatNamespace(action),
    name: action.name,
    version: action.version,
    publish: action.publish,
    exec: execJson(exec, code),
    parameters: action.parameters,
    annotations: action.annotations,
    limits: limitsJson(action.limits),
    updated: action.updated,
  }
}

function execJson(exec: Exec, code: string | undefined): Record<string, unknown> {
  if (exec.type === 'sequence') {
    return { kind: kindOf(exec), components: exec.components.map((component) => `/${formatPath(component)}`) }
  }
  return {
    kind: kindOf(exec),
    ...(exec.type === 'blackbox' && { image: exec.image }),
    ...(code !== undefined && { code }),
    ...(exec.main !== undefined && { main: exec.main }),
    binary: exec.binary,
  }
}

/** The action's JSON form in lists: no parameters, no code, no kind (it is in the `exec` annotation). */
export function actionSummaryJson(action: Action): Record<string, unknown> {
  return {
    namespace: formatNamespace(action),
    name: action.name,
    version: action.version,
    publish: action.publish,
    annotations: action.annotations,
    limits: limitsJson(action.limits),
    exec: { binary: isRunnable(action) && action.exec.binary },
    updated: action.updated,
  }
}
