/** From a name in a URL to an action ready to be called, through a cache that is told of every change of an entity. */

import { LRUCache } from 'lru-cache'
import type { CodeDigest } from '../model/action.ts'
import { isRunnable } from '../model/action.ts'
import { Fault, notAuthorized, notFound, refusal, wrongCollection } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import type { RuntimesManifest } from '../model/manifest.ts'
import { findKind } from '../model/manifest.ts'
import type { FullyQualifiedName, NamespaceName } from '../model/names.ts'
import { CALLERS_NAMESPACE, formatPath, parseEntityName, parseNamespaceName } from '../model/names.ts'
import type { Entity, Stored } from '../stores/artifact-store.ts'
import type { ResolvedAction } from './resolved-action.ts'
import { resolveFor } from './resolved-action.ts'

/** A target as it stands in the URL, decoded but not parsed. */
export interface Target {
  readonly namespace: string
  readonly package: string | undefined
  readonly name: string
}

export interface ResolverDeps {
  readonly getEntity: (name: FullyQualifiedName) => Promise<Stored<Entity> | undefined>
  readonly getCode: (digest: CodeDigest) => Promise<string | undefined>
  readonly manifest: RuntimesManifest
  readonly cacheEntries: number
}

export interface Resolver {
  readonly counters: { hits: number; misses: number }
  /** The action, at once when cached. Throws or rejects with 400, 403, 404 or 409. */
  resolve(identity: Identity, target: Target): ResolvedAction | Promise<ResolvedAction>
  /** The entity was written or removed. */
  invalidate(name: FullyQualifiedName): void
  /** Every identity's limits may have changed. */
  invalidateAll(): void
}

/** A resolver over the artifact store's entities. */
export function createResolver(deps: ResolverDeps): Resolver {
  /** By caller's namespace, then by path: one name may resolve differently for different callers, and a write concerns them all. */
  const cache = new LRUCache<string, ResolvedAction>({
    max: deps.cacheEntries,
    dispose: ({ action }, cacheKey) => forget(formatPath(action), cacheKey),
  })
  /** The keys under which the cache holds an action, by its path. */
  const cachedAs = new Map<string, Set<string>>()
  const underWay = new Map<string, Promise<ResolvedAction>>()
  const counters = { hits: 0, misses: 0 }
  let generation = 0

  async function load(identity: Identity, target: Target, cacheKey: string): Promise<ResolvedAction> {
    const name = parseTarget(identity, target)
    // Sharing needs packages; without one, an action belongs to its own namespace alone.
    if (name.namespace !== identity.namespace) {
      throw notAuthorized(name.package === undefined ? formatPath(name) : `${name.namespace}/${name.package}`)
    }
    const begun = generation
    const found = await deps.getEntity(name).catch((error: unknown) => {
      throw new Fault('the action cannot be read', { cause: error, status: 503 })
    })
    if (found === undefined) throw notFound()
    const action = found.document
    if (action.entityType !== 'action') throw wrongCollection()
    if (!isRunnable(action)) throw new Fault('sequences are not run here')
    const deprecated = action.exec.type === 'code' && findKind(deps.manifest, action.exec.kind)?.deprecated === true
    if (deprecated) throw deprecatedKind(action.exec.kind)
    checkKind(identity, action.exec.type === 'blackbox' ? 'blackbox' : action.exec.kind)
    const readCode = (digest: string): Promise<string | undefined> => deps.getCode(digest as CodeDigest)
    const resolved = resolveFor(identity.namespace, identity, action, found.revision, deps.manifest, readCode)
    // A write that came while we read must not be hidden by what we read before it.
    if (begun === generation) {
      cache.set(cacheKey, resolved)
      remember(formatPath(name), cacheKey)
    }
    return resolved
  }

  function remember(path: string, cacheKey: string): void {
    const keys = cachedAs.get(path)
    if (keys === undefined) cachedAs.set(path, new Set([cacheKey]))
    else keys.add(cacheKey)
  }

  function forget(path: string, cacheKey: string): void {
    const keys = cachedAs.get(path)
    keys?.delete(cacheKey)
    if (keys?.size === 0) cachedAs.delete(path)
  }

  return {
    counters,
    resolve(identity, target) {
      const cacheKey = `${identity.namespace}:${target.namespace}/${target.package ?? ''}/${target.name}`
      const cached = cache.get(cacheKey)
      if (cached !== undefined) {
        counters.hits++
        return cached
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
      for (const cacheKey of cachedAs.get(formatPath(name)) ?? []) cache.delete(cacheKey)
      underWay.clear()
    },
    invalidateAll() {
      generation++
      cache.clear()
      underWay.clear()
    },
  }
}

function parseTarget(identity: Identity, target: Target): FullyQualifiedName {
  const namespace: NamespaceName =
    target.namespace === CALLERS_NAMESPACE ? identity.namespace : parseNamespaceName(target.namespace)
  const name = parseEntityName(target.name)
  return target.package === undefined
    ? { namespace, name }
    : { namespace, package: parseEntityName(target.package), name }
}

function deprecatedKind(kind: string): Error {
  const text = `The '${kind}' runtime is no longer supported. You may read and delete but not update or invoke this action.`
  return refusal('BAD_REQUEST', 400, text)
}

function checkKind(identity: Identity, kind: string): void {
  const { allowedKinds } = identity.limits
  if (allowedKinds === undefined || allowedKinds.includes(kind)) return
  const text = `The supplied authentication is not authorized to access actions of kind '${kind}'.`
  throw refusal('FORBIDDEN', 403, text)
}
