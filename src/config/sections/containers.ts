/** Keys of the containers: who makes them, from what share of the host, and how they are kept apart from it. */

import { amounts, choice, integer, path, paths, text } from '../field.ts'

/** The built-in providers; anything else must be a module path. */
export const PROVIDERS = ['process', 'docker', 'kubernetes', 'invokers'] as const

const RESOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$/
const FAMILY = /^[a-z][a-z0-9-]*$/
const KIND = /^[a-z][a-z0-9-]*:[A-Za-z0-9_.-]+$/

export const containers = {
  provider: path('process', {
    doc: 'What makes containers: `process` (sandboxed processes of this host), `docker`, `kubernetes`, `invokers` (a fleet of nodes), or the path of a module that exports a ContainerFactory.',
    constraint: 'a built-in name, or a module path (it contains a slash or starts with `file:`)',
    check: checkProvider,
    isPath: (value) => /^\.{0,2}\/|^~\//.test(value),
    failure: 'Start fails where the provider’s own service (Docker socket, cluster) does not answer.',
    whom: 'Everybody who leaves the single host.',
  }),
  memoryMb: integer(0, {
    unit: 'MB',
    doc: 'Memory that all containers of this node share out among themselves; 0 takes what the host or cgroup has, less a reserve.',
    constraint: 'not below `limits.memory.max`, unless 0',
    failure: 'Too high: the host swaps or kills processes. Too low: calls wait for capacity and are refused with 503.',
    whom: 'Operators of hosts that do other work too.',
  }),
  cpuMilli: integer(0, {
    unit: 'milliCPU',
    doc: 'Processor time that containers of this node share, in thousandths of a CPU; 0 takes what the host or cgroup has.',
    failure: 'Too high: the platform itself gets slow. Too low: capacity stays unused.',
    whom: 'Operators of hosts that do other work too.',
  }),
  resources: amounts(
    {},
    {
      name: RESOURCE_NAME,
      doc: 'Other resources of this node, name to amount, for actions that ask for them, for example {"nvidia.com/gpu": 2}.',
      constraint: 'names have at most 63 letters, digits, `.`, `_`, `/` or `-`',
      failure: 'Actions that ask for a resource that no node has wait and are refused with 503.',
      whom: 'Operators of nodes with special hardware.',
    },
  ),
  pauseGraceMs: integer(10_000, {
    unit: 'ms',
    doc: 'Time after its last run that an idle container goes on running before it is suspended.',
    failure: 'Too short: each call pays for thawing. Background work of an action stops after it.',
    whom: 'Operators who save processor time: shorter.',
  }),
  idleTimeoutMs: integer(600_000, {
    unit: 'ms',
    min: 1000,
    doc: 'Time after its last run that an idle container is kept before it may be removed.',
    failure: 'Too short: more cold starts. Too long: memory is held by actions that nobody calls.',
    whom: 'Operators of small hosts: shorter.',
  }),
  network: choice(['host', 'isolated', 'none'], 'host', {
    doc: 'Network that actions see: that of the host, one of their own with a way out, or none.',
    constraint: '`isolated` and `none` need a sandbox',
    failure:
      '`host`: actions reach whatever the host reaches, its own services included. `none`: actions cannot call out.',
    whom: 'Operators with users they do not trust: isolated.',
  }),
  sandbox: choice(['auto', 'bubblewrap', 'unshare', 'none'], 'auto', {
    doc: 'How processes are kept apart from the host; `auto` takes the best that works here.',
    constraint: 'only for `containers.provider` process; `none` needs `containers.network` host',
    failure: 'Start fails where the named one does not work; `none` lets actions read and write what the platform can.',
    whom: 'Nobody by default.',
  }),
  uidFirst: integer(200_000, {
    min: 1000,
    max: 4_294_000_000,
    doc: 'First of the numeric users that containers run as, one each, where the platform is root.',
    constraint: '`uidFirst` + `uidCount` at most 4294967294',
    failure: 'Overlapping with users of the host: actions could read and signal what is theirs.',
    whom: 'Operators whose host uses these numbers, for example for subuids.',
  }),
  uidCount: integer(10_000, {
    min: 1,
    max: 4_294_000_000,
    doc: 'How many numeric users there are; it bounds the containers of the node.',
    failure: 'Too low: starts fail with no capacity although there is memory.',
    whom: 'Operators of nodes with more containers.',
  }),
  startTimeoutMs: integer(30_000, {
    unit: 'ms',
    min: 100,
    doc: 'Time that a container may take from its creation until it accepts code.',
    failure: 'Too short: slow images never start. Too long: requests wait for a start that will not come.',
    whom: 'Users of large images.',
  }),
  maxConcurrentStarts: integer(0, {
    max: 1000,
    doc: 'Container starts under way at once on this node; 0 is the number of CPUs.',
    failure: 'Too high: starts slow each other and running work down.',
    whom: 'Nobody by default.',
  }),
  tmpMb: integer(256, {
    unit: 'MB',
    min: 1,
    doc: 'Size of /tmp in a container. It counts towards the container’s memory as it fills.',
    failure: 'Actions see ENOSPC.',
    whom: 'Users with large temporary files.',
  }),
  openFiles: integer(1024, {
    min: 64,
    max: 1_048_576,
    doc: 'Files that one process of a container may have open.',
    failure: 'Actions see EMFILE.',
    whom: 'Users with many connections.',
  }),
  processes: integer(1024, {
    min: 16,
    max: 4_194_304,
    doc: 'Processes and threads of one container.',
    failure: 'Actions see EAGAIN from fork.',
    whom: 'Nobody by default.',
  }),
  fileBytes: integer(1_073_741_824, {
    unit: 'bytes',
    min: 4096,
    doc: 'Size of any one file that an action writes.',
    failure: 'Actions get SIGXFSZ or EFBIG.',
    whom: 'Nobody by default.',
  }),
  stemCells: amounts(
    { nodejs: 12, python: 1 },
    {
      name: FAMILY,
      doc: 'Containers that are kept started for the default kind of each family, family to count, ready to take the code of any action; together they reserve a quarter of the memory at most. It replaces the default; counts of a manifest of one’s own win.',
      failure: 'Each costs its memory all the time; none: first calls of an action pay for a container start.',
      whom: 'Operators of small hosts: fewer; of hosts with bursts of new actions: more.',
    },
  ),
  imageStemCells: integer(2, {
    max: 1000,
    doc: 'Containers of one image of a user’s at most that are kept started ahead of its next calls; there is one for each `containers.imageStemThreshold` starts in ten minutes. All of them together reserve an eighth of the memory at most; one that is not taken goes after `containers.idleTimeoutMs`. 0: none.',
    failure: 'Too many: memory for images that nobody calls any more. None: each start of an image is waited for.',
    whom: 'Operators of hosts without users’ images: it makes no difference. With many: more.',
  }),
  imageStemThreshold: integer(2, {
    min: 1,
    max: 1_000_000,
    doc: 'Starts of an image of a user’s within ten minutes for each container of it that is kept started.',
    failure: 'Too low: memory for images that are called once in a while. Too high: only the busiest images have one.',
    whom: 'Nobody by default.',
  }),
  apiHost: text('', {
    doc: 'Address of the API as actions see it (`__OW_API_HOST`); empty: made from `host` and `port`.',
    constraint: 'a URL with http or https, without a path',
    check: checkApiHost,
    failure: 'Actions that call the API themselves fail to connect.',
    whom: 'Operators with a proxy or TLS in front, or `containers.network` isolated.',
  }),
}

export const runtimes = {
  manifest: path('', {
    isPath: (value) => !value.startsWith('{'),
    doc: 'Which kinds there are: the path of a runtimes.json in OpenWhisk’s format, or that JSON itself; empty: built in.',
    failure: 'Start fails where it cannot be read or does not parse.',
    whom: 'Operators who add, pin or remove runtimes.',
  }),
  interpreters: paths(
    {},
    {
      name: KIND,
      doc: 'Interpreters of kinds for the process provider, kind to absolute path, for example {"python:3.12": "/opt/python/bin/python3"}; others are looked for on the PATH.',
      failure: 'A kind whose interpreter is missing or does not start is left out of the manifest.',
      whom: 'Operators with interpreters in unusual places.',
    },
  ),
}

function checkProvider(value: string): string | undefined {
  if (PROVIDERS.some((name) => name === value) || value.startsWith('file:') || value.includes('/')) return undefined
  return `must be one of ${PROVIDERS.join(', ')}, or the path of a module (with a slash in it)`
}

function checkApiHost(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === ''
  return plain && url.hash === '' && url.username === '' && url.password === ''
    ? undefined
    : 'must be a URL such as https://api.example.org, without a path'
}
