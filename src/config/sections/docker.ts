/** Keys of the `docker` provider: which engine, what its containers get, images, suspension, and where the host keeps what the engine made. */

import { choice, flag, integer, list, lists, path, text } from '../field.ts'

/** How idle containers are suspended; `auto` takes the first that works of the others, in this order. */
export const PAUSE_CHOICES = ['auto', 'cgroup', 'runc', 'docker', 'none'] as const

/** Hosts whose engine keeps its files in other places than most; src/containers/docker/host-paths.ts has the places. */
export const HOST_PROFILES = [
  'auto',
  'ubuntu',
  'ubuntu-snap',
  'debian',
  'cos',
  'flatcar',
  'bottlerocket',
  'al2023',
  'kind',
] as const

const ENGINE_SCHEMES = /^(?:unix|tcp|https?|ssh|npipe|fd):\/\/\S+$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
const NAME_PREFIX = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/
const ARGUMENT = /^[a-z][a-z0-9-]{0,40}$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*=/
const ADDRESS = /^[0-9A-Fa-f:.]+$/
const REGISTRY = /^[a-z0-9]+(?:[.:_-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/i

export const docker = {
  host: text('unix:///var/run/docker.sock', {
    doc: 'The Docker Engine: `unix://PATH`, `tcp://HOST:PORT`, `http://…` or `https://…`. Where it is not set, the variable DOCKER_HOST is read.',
    constraint: 'not another engine than the one of `docker.paths.socket`; Docker’s ssh:// and npipe:// are not spoken',
    check: (value) =>
      ENGINE_SCHEMES.test(value) ? undefined : 'must be unix://PATH, tcp://HOST:PORT, http://… or https://…',
    failure: 'The platform stays unready until the engine answers.',
    whom: 'Operators whose engine listens elsewhere, and rootless engines.',
  }),
  certPath: path('', {
    doc: 'Directory of ca.pem, cert.pem and key.pem for TLS to the engine; empty: none. Where it is not set, the variable DOCKER_CERT_PATH is read.',
    failure: 'Start fails where a file cannot be read; the engine refuses certificates that it does not know.',
    whom: 'Operators of an engine that is reached over TCP.',
  }),
  tlsVerify: flag(false, {
    doc: 'The engine must be reached by TLS and its certificate be signed by ca.pem and bear its name. On by itself where `docker.certPath` is set; DOCKER_TLS_VERIFY turns it on, too.',
    failure: 'Off: whoever stands between platform and engine can take over the host.',
    whom: 'Nobody by default.',
  }),
  network: text('stave', {
    doc: 'Network that containers are on. It is made where it is missing, as a bridge on which containers cannot reach each other.',
    constraint: 'at most 63 letters, digits, `_`, `.` or `-`',
    check: (value) => (NAME.test(value) ? undefined : 'must be the name of a Docker network'),
    failure: 'An existing network is taken as it is: containers may reach each other on it.',
    whom: 'Operators who have a network for containers already.',
  }),
  dns: list([], {
    doc: 'Name servers of containers; none: those of the engine.',
    constraint: 'IP addresses',
    check: (value) => (ADDRESS.test(value) ? undefined : 'must hold IP addresses'),
    failure: 'Actions cannot resolve names.',
    whom: 'Operators of networks with name servers of their own.',
  }),
  dnsSearch: list([], {
    doc: 'Domains in which containers look for short names.',
    failure: 'Short names are not resolved.',
    whom: 'Operators of networks with name servers of their own.',
  }),
  dnsOptions: list([], {
    doc: 'Options of the resolver of containers, for example `ndots:1`.',
    failure: 'The resolver of the image ignores what it does not know.',
    whom: 'Nobody by default.',
  }),
  extraEnv: list([], {
    doc: 'Further environment variables of every container, `NAME=value`.',
    constraint: 'each with a `=`; a value with a comma in it needs the JSON form',
    check: (value) => (VARIABLE.test(value) ? undefined : 'must hold texts such as NAME=value'),
    failure: 'Actions can read them: no place for secrets of the platform.',
    whom: 'Operators with proxies or mirrors that actions need.',
  }),
  extraArgs: lists(
    {},
    {
      name: ARGUMENT,
      doc: 'Further arguments of every container by the names that `docker run` has, each with its values, for example {"cap-add": ["SYS_PTRACE"], "shm-size": ["128m"]}.',
      constraint: 'arguments that [docker.md](docker.md#extra-arguments) lists',
      failure: 'Start fails with the nearest known argument. They can undo the isolation of containers.',
      whom: 'Operators with devices, log drivers or another runtime.',
    },
  ),
  parallelStarts: integer(10, {
    min: 1,
    max: 1000,
    doc: 'Creations of containers that are sent to the engine at once; further ones wait for their turn.',
    failure: 'Too high: the engine gets slow for all of them. Too low: bursts of cold starts queue.',
    whom: 'Operators of large hosts: more.',
  }),
  requestTimeoutMs: integer(60_000, {
    unit: 'ms',
    min: 100,
    doc: 'Time that the engine may take for one request, pulls of images apart.',
    failure: 'Too short: containers are given up that would have started. Too long: a hung engine is noticed late.',
    whom: 'Nobody by default.',
  }),
  pullTimeoutMs: integer(600_000, {
    unit: 'ms',
    min: 1000,
    doc: 'Time that pulling one image may take.',
    failure: 'Too short: large images never arrive.',
    whom: 'Users of large images or slow registries.',
  }),
  pullPolicy: choice(['openwhisk', 'ifNotPresent', 'always', 'never'], 'openwhisk', {
    doc: 'When images are pulled. `openwhisk`: an image of a user’s before every start (tag `latest` or none: it must succeed; another tag: a failed pull does not matter where the image is there), one of a kind only where it is missing. The others hold for all images.',
    failure:
      '`never`: images that are not there fail. `always`, `openwhisk`: cold starts wait for the registry, also when it is away.',
    whom: 'Operators without a registry: never; of slow registries: ifNotPresent.',
  }),
  runtimesRegistry: text('', {
    doc: 'Registry of the images of kinds, put in front of their names; empty: as the manifest names them.',
    constraint: 'HOST[:PORT][/PATH], without a scheme',
    check: checkRegistry,
    failure: 'Images of kinds are not found.',
    whom: 'Operators with a mirror.',
  }),
  userImagesRegistry: text('', {
    doc: 'Registry of users’ images whose name has none, put in front of their names; empty: the engine’s default.',
    constraint: 'HOST[:PORT][/PATH], without a scheme',
    check: checkRegistry,
    failure: 'Images of users are not found.',
    whom: 'Operators with a mirror.',
  }),
  authFile: path('', {
    doc: 'File with credentials for registries, in the format of the Docker command line’s config.json (`auths`); empty: none. It is read at each pull. Credential helpers are not asked.',
    failure: 'Pulls fail where it cannot be read; images of private registries are not found without it.',
    whom: 'Operators with private registries.',
  }),
  bypassPullForLocalImages: flag(false, {
    doc: 'Images whose name begins with `docker.localImagePrefix` are never pulled.',
    failure: 'On: such images that are missing fail.',
    whom: 'Developers of images.',
  }),
  localImagePrefix: text('whisk', {
    doc: 'First part of the name (before the first slash) of images that exist on this host alone.',
    check: (value) => (NAME.test(value) ? undefined : 'must be the first part of an image’s name, without a slash'),
    failure: 'No meaning without `docker.bypassPullForLocalImages`.',
    whom: 'Developers of images.',
  }),
  imageHighWaterPercent: integer(85, {
    min: 1,
    max: 100,
    unit: 'percent',
    doc: 'Use of the disk that holds the images, above which images are removed that no container uses and no kind needs, the longest unused first; 100: never.',
    constraint: 'not below `docker.imageLowWaterPercent`',
    failure: 'Too high: pulls fail on a full disk. Too low: images are pulled again and again.',
    whom: 'Operators whose image disk holds other things, too.',
  }),
  imageLowWaterPercent: integer(75, {
    min: 0,
    max: 100,
    unit: 'percent',
    doc: 'Use of that disk at which the removal of images stops.',
    constraint: 'at most `docker.imageHighWaterPercent`',
    failure: 'As above.',
    whom: 'Operators whose image disk holds other things, too.',
  }),
  readOnlyRoot: flag(true, {
    doc: 'Containers of kinds have a read-only root, with a /tmp of `containers.tmpMb`.',
    failure: 'On: runtime images that write elsewhere than to /tmp fail. Off: actions can fill the engine’s disk.',
    whom: 'Operators of runtime images that write to their root.',
  }),
  init: flag(true, {
    doc: 'The first process of a container is the engine’s own init, which reaps orphans and lets the runtime be killed by its own signals. Where the engine has none, containers are started without it.',
    failure: 'Off: a runtime that kills itself hangs until its time limit, and orphans of actions stay as zombies.',
    whom: 'Operators whose images have an init of their own.',
  }),
  cpuLimit: choice(['shares', 'quota'], 'shares', {
    doc: 'What a container’s part of the CPU time is: `shares`, a weight that counts only when CPU time is short; `quota`, a ceiling at all times.',
    failure: '`quota`: single calls are slower on an idle host.',
    whom: 'Operators who sell CPU time.',
  }),
  namePrefix: text('wsk', {
    doc: 'Begin of the names of containers.',
    constraint: 'at most 32 letters, digits, `_`, `.` or `-`',
    check: (value) => (NAME_PREFIX.test(value) ? undefined : 'must have at most 32 letters, digits, _, . or -'),
    failure: 'It is for people: whose a container is, its labels tell.',
    whom: 'Nobody by default.',
  }),
  blackbox: flag(true, {
    doc: 'Actions may be images that users name.',
    failure: 'Off: creating and calling them is refused.',
    whom: 'Operators whose users must not bring images.',
  }),
  pause: choice(PAUSE_CHOICES, 'auto', {
    doc: 'How an idle container is suspended: `cgroup` (a write to its freezer), `runc`, `docker` (the engine’s API), `none` (it goes on running), or `auto`: the first of them that works here. INVOKER_USE_RUNC true is `runc`, false is `docker`.',
    failure:
      'A strategy that does not work here is replaced by the engine’s API, with a warning. `docker` costs some 15 ms at each end, a freezer write 0.2 ms.',
    whom: 'Operators whose runc is not the engine’s: docker.',
  }),
  hostProfile: choice(HOST_PROFILES, 'auto', {
    doc: 'Kind of host, which decides where `docker.paths` are as far as they are not set; `auto` looks at /etc/os-release.',
    failure: 'Freezer or runc are not found and suspension goes by the engine’s API; `stave doctor` tells.',
    whom: 'Operators of a platform that runs in a container, where /etc/os-release is the image’s.',
  }),
  paths: {
    cgroup: path('', {
      doc: 'Where the host’s control groups are mounted; empty: by `docker.hostProfile`, /sys/fs/cgroup.',
      failure: 'Containers are not suspended by the freezer.',
      whom: 'Operators of a platform that runs in a container.',
    }),
    runc: path('', {
      doc: 'Directory in which the engine’s runc keeps the state of containers (its `--root`); empty: by `docker.hostProfile`, /run/docker/runtime-runc/moby.',
      failure: 'runc does not know the containers: suspension goes by the engine’s API.',
      whom: 'Operators of an engine with another exec-root.',
    }),
    containers: path('', {
      doc: 'Directory in which the engine keeps files of containers; empty: by `docker.hostProfile`, /var/lib/docker/containers. Logs are read through the API, so it need not be there; `stave doctor` looks at its disk.',
      failure: 'Nothing fails without it.',
      whom: 'Operators of an engine with another data-root.',
    }),
    socket: path('', {
      doc: 'Socket of the engine; where it is set and `docker.host` is not, that is `unix://` and this path. Empty: as `docker.host` says, /var/run/docker.sock.',
      constraint: 'not another engine than the one of `docker.host`',
      failure: 'The platform stays unready until the engine answers.',
      whom: 'Operators of a platform that runs in a container.',
    }),
    runcBinary: path('', {
      doc: 'The runc program; empty: by `docker.hostProfile`, the first that is there of /usr/bin/runc, /usr/sbin/runc and the like.',
      failure: 'Suspension goes by the engine’s API.',
      whom: 'Operators with several runc programs.',
    }),
  },
}

function checkRegistry(value: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(value)) return 'must be a registry without a scheme, such as registry.example.org/team'
  return REGISTRY.test(value) ? undefined : 'must be a registry such as registry.example.org:5000/team'
}
