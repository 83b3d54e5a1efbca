/** Entities and subjects that the artifact store's tests store. */

import { createHash } from 'node:crypto'
import type { CodeDigest, RunnableAction } from '../../src/model/action.ts'
import type { Subject, SubjectName } from '../../src/model/identity.ts'
import type { EntityName, FullyQualifiedName, NamespaceName } from '../../src/model/names.ts'
import { parseEntityName, parseNamespaceName } from '../../src/model/names.ts'
import type { Package } from '../../src/model/package.ts'
import { createPackage } from '../../src/model/package-put.ts'
import type { Rule } from '../../src/model/rule.ts'
import type { Trigger } from '../../src/model/trigger.ts'
import { createTrigger } from '../../src/model/trigger-put.ts'
import { FIRST_VERSION } from '../../src/model/version.ts'

/** The digest under which `code` is stored. */
export function digestOf(code: string): CodeDigest {
  return createHash('sha256').update(code).digest('hex') as CodeDigest
}

/** `NS/A` or `NS/PKG/A` as a name. */
export function nameOf(path: string): FullyQualifiedName {
  const [namespace = '', second = '', third] = path.split('/')
  return third === undefined
    ? { namespace: parseNamespaceName(namespace), name: parseEntityName(second) }
    : { namespace: parseNamespaceName(namespace), package: parseEntityName(second), name: parseEntityName(third) }
}

/** An action of that path and code. */
export function actionOf(path: string, code: string, updated = 1): RunnableAction {
  return {
    ...nameOf(path),
    entityType: 'action',
    version: FIRST_VERSION,
    publish: false,
    parameters: [{ key: 'greeting', value: 'Grüß Gott \u0000 "quoted"' }],
    annotations: [{ key: 'exec', value: 'nodejs:24' }],
    limits: { timeoutMs: 60_000, memoryMb: 256, logsMb: 10, concurrency: 1 },
    exec: { type: 'code', kind: 'nodejs:24', code: digestOf(code), codeBytes: code.length, binary: false },
    updated,
  }
}

/** A package, or a binding of the package at `to`. */
export function packageAt(path: string, fields: { publish?: boolean; to?: string; updated?: number } = {}): Package {
  const { publish = false, to, updated = 1 } = fields
  return createPackage(nameOf(path), { publish, ...(to !== undefined && { binding: nameOf(to) }) }, updated)
}

/** A trigger with a rule linked to it. */
export function triggerAt(path: string, updated = 1): Trigger {
  return {
    ...createTrigger(nameOf(path), { parameters: [{ key: 'a', value: 1 }] }, updated),
    rules: { [path]: { action: nameOf(path), status: 'active' } },
  }
}

/** A rule from the trigger `NS/t` to the action `NS/a`. */
export function ruleAt(path: string, updated = 1): Rule {
  const { namespace, name } = nameOf(path)
  const inNamespace = (text: string): FullyQualifiedName => ({ namespace, name: parseEntityName(text) })
  return {
    namespace,
    name,
    entityType: 'rule',
    version: FIRST_VERSION,
    publish: false,
    trigger: inNamespace('t'),
    action: inNamespace('a'),
    annotations: [],
    updated,
  }
}

/** 64 characters, different for each `seed`. */
export function keyOf(seed: string): string {
  return createHash('sha256').update(seed).digest('hex')
}

/** A subject with one key for each of `namespaces`; its uuids are `SUBJECT-NAMESPACE`. */
export function subjectOf(name: string, namespaces: readonly string[], blocked = false): Subject {
  return {
    subject: name as SubjectName,
    namespaces: namespaces.map((namespace) => ({
      name: parseNamespaceName(namespace),
      uuid: `${name}-${namespace}`,
      key: keyOf(`${name}-${namespace}`),
    })),
    blocked,
  }
}

export function namespaceOf(text: string): NamespaceName {
  return parseNamespaceName(text)
}

export function packageOf(text: string): EntityName {
  return parseEntityName(text)
}
