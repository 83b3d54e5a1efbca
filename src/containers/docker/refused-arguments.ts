/** Arguments of `docker run` that are not taken, with the reason: what is set elsewhere, what the platform decides, what is the command line's own. */

const COMMAND_LINE = 'it tells the command line what to do, and there is none'
const PLATFORM = 'the platform decides it for each container'

const NETWORK = 'the platform speaks to containers on docker.network'

export const REFUSED: Readonly<Record<string, string>> = {
  dns: 'set docker.dns',
  'dns-search': 'set docker.dnsSearch',
  'dns-option': 'set docker.dnsOptions',
  'env-file': 'set docker.extraEnv',
  'label-file': 'give its lines as label',
  network: 'set docker.network',
  memory: 'each action has its own (limits.memory)',
  'memory-swap': 'it is the memory of the action: containers do not swap',
  name: 'the platform names containers (docker.namePrefix)',
  pull: 'set docker.pullPolicy',
  platform: 'containers are of the engine’s own platform',

  restart: PLATFORM,
  entrypoint: 'the image’s own speaks to the platform',
  'health-cmd': PLATFORM,
  'health-interval': PLATFORM,
  'health-retries': PLATFORM,
  'health-start-interval': PLATFORM,
  'health-start-period': PLATFORM,
  'health-timeout': PLATFORM,
  'no-healthcheck': PLATFORM,
  rm: PLATFORM,

  expose: NETWORK,
  ip: NETWORK,
  ip6: NETWORK,
  link: NETWORK,
  'link-local-ip': NETWORK,
  'network-alias': NETWORK,
  publish: NETWORK,
  'publish-all': NETWORK,

  attach: COMMAND_LINE,
  cidfile: COMMAND_LINE,
  detach: COMMAND_LINE,
  'detach-keys': COMMAND_LINE,
  'disable-content-trust': COMMAND_LINE,
  interactive: COMMAND_LINE,
  quiet: COMMAND_LINE,
  'sig-proxy': COMMAND_LINE,
  tty: COMMAND_LINE,
}
