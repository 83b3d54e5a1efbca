/** From a name to a trigger ready to be fired, through a cache that is told of every change of an entity. */

import { LRUCache } from 'lru-cache'
import { Fault, notFound, wrongCollection } from '../model/errors.ts'
import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import type { Trigger } from '../model/trigger.ts'
import type { Version } from '../model/version.ts'
import type { Entity, Stored } from '../stores/artifact-store.ts'

/** All that fires of a trigger share, rendered once: a fire costs the same whatever the number of rules. */
export interface ResolvedTrigger {
  readonly name: FullyQualifiedName
  readonly version: Version
  /** The parameters, as the text of a JSON object. */
  readonly parametersJson: string
  /** What is linked, as the text of a JSON array of `JournalledFire['rules']`. */
  readonly rulesJson: string
  readonly hasActiveRule: boolean
}

export interface TriggerResolver {
  readonly counters: { hits: number; misses: number }
  /** The trigger, at once when cached. Rejects with 404 and 409, and with a 503 fault when it cannot be read. */
  resolve(name: FullyQualifiedName): ResolvedTrigger | Promise<ResolvedTrigger>
  /** The entity was written or removed. */
  invalidate(name: FullyQualifiedName): void
}

/** Characters of all that is held: a trigger may have any number of rules, and a megabyte of parameters. */
const MAX_CACHED = 32 * 1024 * 1024

/** A resolver over the artifact store's entities. */
export function createTriggerResolver(deps: {
  readonly getEntity: (name: FullyQualifiedName) => Promise<Stored<Entity> | undefined>
}): TriggerResolver {
  const cache = new LRUCache<string, ResolvedTrigger>({
    maxSize: MAX_CACHED,
    sizeCalculation: ({ parametersJson, rulesJson }) => 500 + parametersJson.length + rulesJson.length,
  })
  const underWay = new Map<string, Promise<ResolvedTrigger>>()
  const counters = { hits: 0, misses: 0 }
  let generation = 0

  async function load(name: FullyQualifiedName, path: string): Promise<ResolvedTrigger> {
    const begun = generation
    const found = await deps.getEntity(name).catch((error: unknown) => {
      throw new Fault('the trigger cannot be read', { cause: error, status: 503 })
    })
    if (found === undefined) throw notFound()
    const { document } = found
    if (document.entityType !== 'trigger') throw wrongCollection()
    const resolved = resolvedTrigger(document)
    // A write that came while we read must not be hidden by what we read before it.
    if (begun === generation) cache.set(path, resolved)
    return resolved
  }

  return {
    counters,
    resolve(name) {
      const path = formatPath(name)
      const cached = cache.get(path)
      if (cached !== undefined) {
        counters.hits++
        return cached
      }
      counters.misses++
      let pending = underWay.get(path)
      if (pending === undefined) {
        const loading = load(name, path).finally(() => {
          if (underWay.get(path) === loading) underWay.delete(path)
        })
        pending = loading
        underWay.set(path, loading)
      }
      return pending
    },
    invalidate(name) {
      generation++
      cache.delete(formatPath(name))
      underWay.clear()
    },
  }
}

function resolvedTrigger({ namespace, name, version, parameters, rules = {} }: Trigger): ResolvedTrigger {
  const links = Object.entries(rules).map(([rule, { action, status }]) => {
    const { package: parent, ...rest } = action
    return { rule, action: parent === undefined ? rest : { ...rest, package: parent }, active: status === 'active' }
  })
  const members = parameters.map(({ key, value }) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return {
    name: { namespace, name },
    version,
    parametersJson: `{${members.join(',')}}`,
    rulesJson: JSON.stringify(links),
    hasActiveRule: links.some(({ active }) => active),
  }
}
