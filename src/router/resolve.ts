/** From a name in a URL to an action ready to be called, through a cache that is told of every change of an entity. */

import { LRUCache } from 'lru-cache'
import type { Action, CodeDigest } from '../model/action.ts'
import { isRunnable, isSequence, kindOf } from '../model/action.ts'
import { requireAllowedKind } from '../entitlement/allowed-kind.ts'
import type { EntitlementProvider } from '../entitlement/entitlement-provider.ts'
import type { OpenedPackage } from '../entitlement/open-package.ts'
import { openPackage } from '../entitlement/open-package.ts'
import { requireRight } from '../entitlement/require-right.ts'
import { Fault, notFound, refusal, wrongCollection } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { Revision } from '../model/ids.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import { findKind } from '../model/manifest.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { formatPath, parseEntityName, resolveNamespace } from '../model/names.ts'
import type { Entity, Stored } from '../stores/artifact-store.ts'
import { resolveFor } from './resolved-action.ts'
import type { Invocable } from './resolved-sequence.ts'
import { resolveSequence } from './resolved-sequence.ts'
import type { Platform } from './unrunnable.ts'

/** A target as it stands in the URL, decoded but not parsed. */
export interface Target {
  readonly namespace: string
  readonly package: string | undefined
  readonly name: string
}

/** A name as a target. */
export function targetOf({ namespace, package: parent, name }: FullyQualifiedName): Target {
  return { namespace, package: parent, name }
}

export interface ResolverDeps {
  readonly getEntity: (name: FullyQualifiedName) => Promise<Stored<Entity> | undefined>
  readonly entitlement: EntitlementProvider
  readonly getCode: (digest: CodeDigest) => Promise<string | undefined>
  readonly manifest: RuntimesManifest
  readonly platform: Platform
  readonly cacheEntries: number
}

export interface Resolver {
  readonly counters: { hits: number; misses: number }
  /** The action, at once when cached. Throws or rejects with 400, 403, 404, 409 or 422. */
  resolve(identity: Identity, target: Target): Invocable | Promise<Invocable>
  /** The entity was written or removed. */
  invalidate(name: FullyQualifiedName): void
  /** The limits of a namespace were changed: what was resolved for it holds them. */
  forgetCaller(namespace: NamespaceName): void
}

interface Entry {
  readonly resolved: Invocable
  /** Paths of all that it was put together from: the action, its package, the bindings on the way. */
  readonly paths: readonly string[]
}

/** A resolver over the artifact store's entities. */
export function createResolver(deps: ResolverDeps): Resolver {
  /** By caller's namespace, then by path: one name may resolve differently for different callers, and a write concerns them all. */
  const cache = new LRUCache<string, Entry>({
    max: deps.cacheEntries,
    dispose: ({ paths }, cacheKey) => forget(paths, cacheKey),
  })
  /** The keys under which the cache holds something that an entity has a part in, by the entity's path. */
  const cachedAs = new Map<string, Set<string>>()
  const underWay = new Map<string, Promise<Invocable>>()
  const counters = { hits: 0, misses: 0 }
  let generation = 0

  async function load(identity: Identity, target: Target, cacheKey: string): Promise<Invocable> {
    const asked = parseTarget(identity, target)
    const begun = generation
    const opened = await openFor(identity, asked) // -> 403, 404, 409, 422
    const name = opened === undefined ? asked : inPackage(opened, asked)
    const found = await read(name)
    if (found === undefined) throw notFound()
    const { revision, document: action } = found
    if (action.entityType !== 'action') throw wrongCollection()
    const deprecated = action.exec.type === 'code' && findKind(deps.manifest, action.exec.kind)?.deprecated === true
    if (deprecated) throw deprecatedKind(action.exec.kind)
    requireAllowedKind(identity, kindOf(action.exec)) // -> 403
    const resolved = invocableOf(identity, action, revision, opened)
    // A write that came while we read must not be hidden by what we read before it.
    if (begun === generation) {
      const packages = opened?.chain.map(({ document }) => formatPath(document)) ?? []
      const paths = [formatPath(name), ...packages]
      cache.set(cacheKey, { resolved, paths })
      remember(paths, cacheKey)
    }
    return resolved
  }

  function invocableOf(
    identity: Identity,
    action: Action,
    revision: Revision,
    opened: OpenedPackage | undefined,
  ): Invocable {
    if (isSequence(action)) return resolveSequence(identity, action, opened)
    if (!isRunnable(action)) throw new Fault('an action that is neither a sequence nor code')
    const way = { identity, action, revision, ...(opened !== undefined && { opened }) }
    return resolveFor(way, deps.manifest, deps.platform, (digest) => deps.getCode(digest as CodeDigest))
  }

  /** The package of an action that lies in one; checks whether the caller may call the action. */
  async function openFor(identity: Identity, name: FullyQualifiedName): Promise<OpenedPackage | undefined> {
    const use = { identity, right: 'ACTIVATE', collection: 'actions', name: name.name } as const
    if (name.package !== undefined) {
      return openPackage(name.namespace, name.package, use, {
        entitlement: deps.entitlement,
        artifacts: { getEntity: read },
      })
    }
    await requireRight(deps.entitlement, identity, 'ACTIVATE', { collection: 'actions', ...name })
    return undefined
  }

  function read(name: FullyQualifiedName): Promise<Stored<Entity> | undefined> {
    return deps.getEntity(name).catch((error: unknown) => {
      if (error instanceof Fault) throw error
      throw new Fault('the action cannot be read', { cause: error, status: 503 })
    })
  }

  function remember(paths: readonly string[], cacheKey: string): void {
    for (const path of paths) {
      const keys = cachedAs.get(path)
      if (keys === undefined) cachedAs.set(path, new Set([cacheKey]))
      else keys.add(cacheKey)
    }
  }

  function forget(paths: readonly string[], cacheKey: string): void {
    for (const path of paths) {
      const keys = cachedAs.get(path)
      keys?.delete(cacheKey)
      if (keys?.size === 0) cachedAs.delete(path)
    }
  }

  return {
    counters,
    resolve(identity, target) {
      const cacheKey = `${identity.namespace}:${target.namespace}/${target.package ?? ''}/${target.name}`
      const cached = cache.get(cacheKey)
      if (cached !== undefined) {
        counters.hits++
        return cached.resolved
      }
      counters.misses++
      let pending = underWay.get(cacheKey)
      if (pending === undefined) {
        pending = load(identity, target, cacheKey).finally(() => underWay.delete(cacheKey))
        underWay.set(cacheKey, pending)
      }
      return pending
    },
    invalidate(name) {
      generation++
      // A copy: deleting takes the key out of the set that is gone through.
      for (const cacheKey of [...(cachedAs.get(formatPath(name)) ?? [])]) cache.delete(cacheKey)
      underWay.clear()
    },
    forgetCaller(namespace) {
      generation++
      for (const cacheKey of [...cache.keys()]) if (cacheKey.startsWith(`${namespace}:`)) cache.delete(cacheKey)
      underWay.clear()
    },
  }
}

function parseTarget(identity: Identity, target: Target): FullyQualifiedName {
  const namespace = resolveNamespace(target.namespace, identity.namespace)
  const name = parseEntityName(target.name)
  return target.package === undefined
    ? { namespace, name }
    : { namespace, package: parseEntityName(target.package), name }
}

/** The name of what was asked for under the package that it lies in. */
function inPackage({ provider: { document } }: OpenedPackage, { name }: FullyQualifiedName): FullyQualifiedName {
  return { namespace: document.namespace, package: document.name, name }
}

function deprecatedKind(kind: string): Error {
  const text = `The '${kind}' runtime is no longer supported. You may read and delete but not update or invoke this action.`
  return refusal('BAD_REQUEST', 400, text)
}
