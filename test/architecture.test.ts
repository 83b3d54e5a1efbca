/** Holds the structure that ARCHITECTURE.md describes: who may import whom, no cycles between folders, heavy packages only where they belong. */

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import manifest from '../package.json' with { type: 'json' }

/** Folders of src/ that each may import, besides itself and `model`. A `type` suffix allows `import type` only. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: [],
  telemetry: ['config'],
  // SQLite's stores and journal share one worker thread, which opens all their files.
  stores: ['config:type', 'journal'],
  journal: ['stores'],
  containers: ['config:type', 'telemetry:type'],
  proxy: ['containers'],
  control: ['containers'],
  api: ['stores'],
  entitlement: ['stores:type'],
  // The data plane: cold starts go to control as messages, records to the stores as rows.
  router: ['api', 'entitlement', 'proxy', 'control:type', 'journal', 'stores', 'containers:type'],
  management: ['api', 'entitlement', 'stores'],
  cli: ['config', 'main', 'management', 'stores', 'containers', 'telemetry'],
  main: [
    'api',
    'config',
    'containers',
    'control',
    'entitlement',
    'journal',
    'management',
    'proxy',
    'router',
    'stores',
    'telemetry',
  ],
}

/** Files that provider folders may be imported from: the places that configuration selects a provider in. */
const PROVIDERS = ['stores/sqlite', 'journal/sqlite', 'containers/process', 'containers/docker', 'containers/invokers']
const PROVIDER_USERS = /^(main|cli|stores\/sqlite|journal\/sqlite|containers\/(?:process|docker|invokers))\//

/** Packages that may be loaded while the server starts; all others come by `await import()`. */
const STATIC_PACKAGES = new Set(['lru-cache', 'valibot', 'pino', 'commander', 'fastest-levenshtein'])

/** Folders that come by `await import()` where the configuration asks for them, with the packages that they bring. */
const ON_DEMAND: Readonly<Record<string, readonly string[]>> = {
  'containers/docker': ['undici'],
  'containers/http': ['undici'],
  'containers/invokers': ['ws'],
}

/** The files that wire such a folder: themselves imported on demand. */
const ON_DEMAND_WIRING = new Set([
  'src/main/docker-containers.ts',
  'src/main/fleet-containers.ts',
  'src/main/invoker.ts',
])

/** Packages for containers, `openwhisk` for actions and `yauzl` for the launcher: the platform shows them and imports none of them. */
const FOR_CONTAINERS = ['openwhisk', 'yauzl']

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

const STATIC = /^(import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm
const DYNAMIC = /\bimport\('([^']+)'\)/g

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
const imports: readonly Import[] = files.flatMap((from) => {
  const text = readFileSync(from, 'utf8')
  return [
    ...[...text.matchAll(STATIC)].map((match) => ({
      from,
      to: resolve(from, match[3] ?? ''),
      typeOnly: match[2] !== undefined,
      dynamic: false,
    })),
    ...[...text.matchAll(DYNAMIC)].map((match) => ({
      from,
      to: resolve(from, match[1] ?? ''),
      typeOnly: false,
      dynamic: true,
    })),
  ]
})

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

test('S4-12: folders import only what the architecture allows', () => {
  const broken = imports.flatMap(({ from, to, typeOnly }) => {
    const [here, there] = [folderOf(from), folderOf(to)]
    if (here === undefined || there === undefined || here === there || there === 'model') return []
    const allowed = ALLOWED[here] ?? []
    return allowed.includes(there) || (typeOnly && allowed.includes(`${there}:type`)) ? [] : [`${from} -> ${to}`]
  })
  assert.deepEqual(broken, [])
})

test('S0-4: providers are imported only where configuration selects them', () => {
  const broken = imports.filter(({ from, to, typeOnly }) => {
    const provider = PROVIDERS.find((path) => to.startsWith(`src/${path}/`))
    return provider !== undefined && !typeOnly && !PROVIDER_USERS.test(from.slice('src/'.length))
  })
  assert.deepEqual(broken, [])
})

/** The package that an import is from; undefined for files of this project and modules of Node.js. */
function packageOf(to: string): string | undefined {
  if (to.startsWith('src/') || to.startsWith('node:') || /^[./]/.test(to) || to.startsWith('package.json'))
    return undefined
  return to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : to.split('/')[0]
}

test('packages that the server loads at its start are the light ones', () => {
  const broken = imports.filter(({ from, to, typeOnly, dynamic }) => {
    const name = packageOf(to)
    if (name === undefined || typeOnly || dynamic || STATIC_PACKAGES.has(name) || folderOf(from) === 'cli') return false
    return ON_DEMAND[onDemandFolder(from) ?? '']?.includes(name) !== true
  })
  assert.deepEqual(broken, [])
})

/** The folder of `ON_DEMAND` that a file is in. */
function onDemandFolder(file: string): string | undefined {
  return Object.keys(ON_DEMAND).find((folder) => file.startsWith(`src/${folder}/`))
}

test('what is loaded on demand is reached from nowhere else at start', () => {
  const broken = imports.filter(
    ({ from, to, typeOnly, dynamic }) =>
      (onDemandFolder(to) !== undefined || ON_DEMAND_WIRING.has(to)) &&
      onDemandFolder(from) === undefined &&
      !typeOnly &&
      !dynamic &&
      !ON_DEMAND_WIRING.has(from),
  )
  assert.deepEqual(broken, [])
})

test('the packages that are installed are those that are imported', () => {
  const { dependencies } = manifest
  const imported = new Set(imports.flatMap(({ to }) => packageOf(to) ?? []))
  assert.deepEqual(Object.keys(dependencies).sort(), [...imported, ...FOR_CONTAINERS].sort())
})

test('no file takes part in a cycle of imports', () => {
  const edges = new Map<string, string[]>()
  for (const { from, to, typeOnly, dynamic } of imports) {
    if (typeOnly || dynamic || !to.startsWith('src/')) continue
    edges.set(from, [...(edges.get(from) ?? []), to])
  }
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    for (const next of edges.get(file) ?? []) visit(next, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(cycles, [])
})

test('the environment is read in src/config and where the process begins', () => {
  const readers = files.filter((file) =>
    /\bprocess\.env\b/.test(readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
  )
  assert.deepEqual(
    readers.filter((file) => !file.startsWith('src/config/')),
    [],
  )
})

test('every source file says in its first lines what it is for, and stays readable', () => {
  const silent = files.filter((file) => !readFileSync(file, 'utf8').startsWith('/**'))
  assert.deepEqual(silent, [])
  const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 420)
  assert.deepEqual(long, [])
})

test('ARCHITECTURE.md names only files that exist', () => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8')
  const named = [...text.matchAll(/`((?:src|runtimes|test|bench|docs)\/[\w./-]+\.\w+)`/g)].map(
    (match) => match[1] ?? '',
  )
  assert.ok(named.length > 10, 'the life of an invocation names the files of its steps')
  assert.deepEqual(
    named.filter((file) => !existsSync(file)),
    [],
  )
})
