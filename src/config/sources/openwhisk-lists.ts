/**
 * Lists among OpenWhisk's variables: each item has a variable of its own that ends in its number, `…_dnsServers_0`, `…_dnsServers_1`; a map of lists
 * has the name in front of it, `…_extraArgs_ulimit_0`.
 */

/** OpenWhisk's key of a list -> ours. */
const LISTS: Readonly<Record<string, string>> = {
  'whisk.container-factory.container-args.dns-servers': 'docker.dns',
  'whisk.container-factory.container-args.dns-search': 'docker.dnsSearch',
  'whisk.container-factory.container-args.dns-options': 'docker.dnsOptions',
  'whisk.container-factory.container-args.extra-env-vars': 'docker.extraEnv',
}

const EXTRA_ARGS = 'whisk.container-factory.container-args.extra-args.'

/** The items, or a list as one text, which the key takes apart. */
type Items = string | readonly string[]

/** One list, or one map of lists, put together from its variables. */
export interface Collected {
  /** Our key. */
  readonly name: string
  readonly raw: Items | Readonly<Record<string, Items>>
  /** The first of the variables that it was made of. */
  readonly variable: string
}

/** Gathers what belongs to lists; the order of items is that of their numbers, gaps do not count. */
export interface ListCollector {
  /** True when `path` (OpenWhisk's key of `variable`) is of a list, and has been taken. */
  take(variable: string, path: string, value: string): boolean
  collected(): readonly Collected[]
}

interface Item {
  readonly variable: string
  readonly index: number
  readonly value: string
}

export function createListCollector(): ListCollector {
  const lists = new Map<string, Item[]>()
  const extraArgs = new Map<string, Item[]>()
  return {
    take(variable, path, value) {
      const [, base = path, number] = /^(.+)\.(\d+)$/.exec(path) ?? []
      const item = { variable, index: Number(number ?? -1), value }
      const name = LISTS[base]
      if (name !== undefined) add(lists, name, item)
      else if (base.startsWith(EXTRA_ARGS)) add(extraArgs, base.slice(EXTRA_ARGS.length), item)
      else return false
      return true
    },
    collected() {
      const found: Collected[] = [...lists].map(([name, items]) => joined(name, items))
      const first = [...extraArgs.values()][0]?.[0]
      if (first !== undefined) {
        const raw = Object.fromEntries(
          [...extraArgs].map(([argument, items]) => [argument, joined(argument, items).raw]),
        )
        found.push({ name: 'docker.extraArgs', raw, variable: first.variable })
      }
      return found
    },
  }
}

function add(to: Map<string, Item[]>, name: string, item: Item): void {
  const items = to.get(name)
  if (items === undefined) to.set(name, [item])
  else items.push(item)
}

function joined(name: string, items: readonly Item[]): Collected & { readonly raw: Items } {
  const ordered = items.toSorted((a, b) => a.index - b.index)
  const [first] = ordered
  const values = ordered.map(({ value }) => value)
  // Without a number (-1) the variable has the whole list.
  return {
    name,
    raw: first?.index === -1 && values.length === 1 ? first.value : values,
    variable: first?.variable ?? '',
  }
}
