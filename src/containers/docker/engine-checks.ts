/** What `stave doctor` says about a Docker Engine and the host beneath it: a judgement of facts, which examine-engine.ts gathers. */

import type { Check, CheckCode } from '../../model/check-codes.ts'
import type { PauseChoice } from '../pause/choose-pause.ts'
import type { CgroupVersion } from '../pause/locate-freezer.ts'
import type { EngineInfo, EngineVersion } from './engine-answers.ts'
import type { ResolvedPaths } from './host-paths.ts'
import type { NetworkPlace } from './network-place.ts'
import type { EngineFailure } from './unreachable-engine.ts'
import { unreachable } from './unreachable-engine.ts'

/** What this host shows of the four paths, and what of it can be used. */
export interface HostFacts {
  readonly paths: ResolvedPaths
  readonly cgroupVersion: CgroupVersion
  readonly hasRuncState: boolean
  readonly hasContainers: boolean
  /** Why freezers, and runc, cannot be used; undefined: they can. */
  readonly freezer: string | undefined
  readonly runc: string | undefined
  readonly choice: PauseChoice
  /** A program that filters packets, where there is one. */
  readonly packetFilter: string | undefined
  /** Why packets are not filtered all the same; undefined: they are. */
  readonly unfiltered: string | undefined
}

/** What the engine told. */
export interface EngineFacts {
  readonly version: EngineVersion
  /** Why no version of the API is spoken by both. */
  readonly unspoken: string | undefined
  readonly info: EngineInfo
  /** The kinds that there are, and whether their image is there. */
  readonly kinds: readonly { readonly kind: string; readonly image: string; readonly present: boolean }[]
  /** Where the platform stands towards the network of the containers, and why it reaches none there; undefined where it needs not be on it, or nobody knows. */
  readonly network: { readonly place: NetworkPlace; readonly unreachable: string | undefined } | undefined
  /** Use of the disk that holds images; undefined where it cannot be seen from here. */
  readonly diskUsedPercent: number | undefined
}

export interface EngineReport {
  /** As people name it: `unix:///var/run/docker.sock`. */
  readonly address: string
  /** The engine is reached by a socket of this host. */
  readonly local: boolean
  readonly engine: EngineFacts | EngineFailure
  readonly host: HostFacts
  readonly settings: {
    readonly pullPolicy: string
    readonly imageHighWaterPercent: number
    readonly certPath: string
    /** Files that are missing there. */
    readonly missingCertificates: readonly string[]
    /** Why `docker.extraArgs` cannot be read. */
    readonly extraArgs: string | undefined
  }
}

/** Everything there is to say, in the order of the codes but for the configuration, which comes first. */
export function checkEngine(report: EngineReport): readonly Check[] {
  const { engine, host, settings } = report
  const configuration = [...checkExtraArgs(settings), ...checkCertificates(settings)]
  if (!('version' in engine)) return [...configuration, unreachable(report.address, engine)]
  return [
    ...configuration,
    check('OW101', 'ok', `Docker Engine ${engine.version.engine} at ${report.address}`),
    checkApi(engine),
    ...(engine.version.os === 'linux' ? [] : [wrongSystem(engine)]),
    ...checkImages(engine, settings.pullPolicy),
    ...(report.local ? checkHost(host, engine.info) : []),
    checkSuspension(host.choice),
    checkNetwork(engine, host, report.local),
    ...checkProtections(engine.info),
    ...checkDisk(engine, settings.imageHighWaterPercent, report.local),
    checkLimits(engine.info),
  ]
}

function check(code: CheckCode, state: Check['state'], text: string, remedy?: string): Check {
  return remedy === undefined ? { code, state, text } : { code, state, text, remedy }
}

function checkExtraArgs({ extraArgs }: EngineReport['settings']): readonly Check[] {
  return extraArgs === undefined ? [] : [check('OW117', 'problem', extraArgs, 'mend docker.extraArgs')]
}

function checkCertificates({ certPath, missingCertificates }: EngineReport['settings']): readonly Check[] {
  if (certPath === '' || missingCertificates.length === 0) return []
  const text = `${certPath} has no ${missingCertificates.join(', no ')}`
  return [check('OW118', 'note', text, 'put them there, or set docker.certPath (DOCKER_CERT_PATH) to where they are')]
}

function checkApi({ version, unspoken }: EngineFacts): Check {
  if (unspoken !== undefined) return check('OW102', 'problem', unspoken)
  return check('OW102', 'ok', `its API is of version ${version.apiVersion}`)
}

function wrongSystem({ version }: EngineFacts): Check {
  return check(
    'OW103',
    'problem',
    `the engine runs containers of ${version.os}, and runtimes are Linux programs`,
    'switch it to Linux containers',
  )
}

/** Missing images that are named; the rest is counted. */
const NAMED = 3

function checkImages({ kinds }: EngineFacts, pullPolicy: string): readonly Check[] {
  const missing = kinds.filter(({ present }) => !present)
  const there = kinds.length - missing.length
  if (missing.length === 0) return [check('OW104', 'ok', `the images of all ${kinds.length} kinds are there`)]
  const named = missing.slice(0, NAMED).map(({ kind, image }) => `${kind} (${image})`)
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : ''
  const names = `${named.join(', ')}${more}`
  if (pullPolicy === 'never') {
    const text = `images are missing and are not pulled: ${names}`
    const remedy = 'pull or build them (npm run images:local), or set docker.pullPolicy'
    return [check('OW104', there === 0 ? 'problem' : 'note', text, remedy)]
  }
  const text = `images are pulled at the first call of their kind: ${names}`
  return [check('OW104', 'note', text, 'pull them now, or build them: npm run images:local')]
}

function checkHost(host: HostFacts, info: EngineInfo): readonly Check[] {
  const { paths, cgroupVersion, freezer, runc } = host
  const profile = `docker.hostProfile is ${paths.profile} here`
  return [
    cgroupVersion === 'none'
      ? missing('OW105', paths.cgroup, 'docker.paths.cgroup', `no control groups are mounted there; ${profile}`)
      : check('OW105', 'ok', `control groups ${cgroupVersion} at ${paths.cgroup}`),
    freezer === undefined
      ? check('OW106', 'ok', 'freezers of containers can be written')
      : check('OW106', 'note', freezer, 'containers are suspended by other means until then'),
    runc === undefined
      ? check('OW107', 'ok', `${paths.runcBinary} is the engine’s runc`)
      : check('OW107', 'note', runc, 'only docker.pause: runc (INVOKER_USE_RUNC=true) needs it'),
    host.hasRuncState
      ? check('OW108', 'ok', `state of runc at ${paths.runc}`)
      : missing('OW108', paths.runc, 'docker.paths.runc', `the engine makes it with its first container; ${profile}`),
    host.hasContainers
      ? check('OW109', 'ok', `files of containers at ${paths.containers}`)
      : missing(
          'OW109',
          paths.containers,
          'docker.paths.containers',
          `the engine has them in ${info.rootDirectory}/containers; nothing needs it: logs are read through the API`,
        ),
  ]
}

/** A path that is not there, with the setting that says where it is. */
function missing(code: CheckCode, path: string, setting: string, more: string): Check {
  return check(code, 'note', `path ${path} missing, set ${setting}`, more)
}

function checkSuspension({ chosen, warning }: PauseChoice): Check {
  if (warning !== undefined) return check('OW110', 'note', warning)
  if (chosen === 'none') return check('OW110', 'note', 'idle containers are not suspended', 'set docker.pause: auto')
  return check('OW110', 'ok', `idle containers are suspended by ${chosen}`)
}

/** Warnings of the engine about its host that concern networks. */
const NETWORK_WARNING = /bridge-nf-call|IPv4 forwarding/

function checkNetwork({ info, network }: EngineFacts, host: HostFacts, local: boolean): Check {
  if (network?.unreachable !== undefined) return check('OW111', 'problem', network.unreachable)
  const warnings = info.warnings.filter((text) => NETWORK_WARNING.test(text))
  if (warnings.length > 0) {
    const remedy = 'sysctl -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 on the engine’s host'
    return check('OW111', 'note', warnings.map(plain).join('; '), remedy)
  }
  if (!local) return check('OW111', 'note', 'containers can reach ports of the engine’s host, which is another one')
  if (network?.place.type === 'member') {
    const text = 'containers can reach each other and all ports of this host: the platform is one of them'
    return check('OW111', 'note', text, 'give it the network of the engine’s host, and what a packet filter needs')
  }
  if (host.unfiltered !== undefined) {
    const text = `containers can reach all ports of this host: ${host.unfiltered}`
    return check('OW111', 'note', text, 'a packet filter needs root, NET_ADMIN, and nftables or iptables')
  }
  return check('OW111', 'ok', `packets of containers are filtered by ${host.packetFilter}`)
}

function checkProtections({ securityOptions, liveRestore }: EngineInfo): readonly Check[] {
  const has = (name: string): boolean => securityOptions.some((option) => option.startsWith(`name=${name}`))
  return [
    has('seccomp')
      ? check('OW112', 'ok', 'the engine filters system calls (seccomp)')
      : check('OW112', 'note', 'the engine does not filter system calls', 'use a kernel and an engine with seccomp'),
    has('userns') || has('rootless')
      ? check('OW113', 'ok', 'root in a container is nobody on the host')
      : check(
          'OW113',
          'note',
          'root in a user’s image is root on the host, without capabilities',
          'start the engine with --userns-remap=default where users bring images',
        ),
    liveRestore
      ? check('OW114', 'ok', 'containers survive a restart of the engine')
      : check(
          'OW114',
          'note',
          'containers end with the engine',
          'set "live-restore": true in /etc/docker/daemon.json to keep them',
        ),
  ]
}

function checkDisk({ info, diskUsedPercent }: EngineFacts, highWater: number, local: boolean): readonly Check[] {
  if (diskUsedPercent === undefined) {
    const text = `the disk of images (${info.rootDirectory}) cannot be seen from here: no image is removed`
    return [check('OW115', 'note', text, local ? 'mount it, or keep an eye on it' : 'keep an eye on it')]
  }
  const text = `the disk of images (${info.rootDirectory}) is ${diskUsedPercent} % full`
  if (diskUsedPercent < highWater) return [check('OW115', 'ok', text)]
  return [check('OW115', 'note', `${text}: unused images are removed`, 'free some space: docker system prune')]
}

function checkLimits({ warnings, cgroupVersion, cgroupDriver }: EngineInfo): Check {
  const limits = warnings.filter(
    (text) => /limit support|memory|cpu|pids|blkio/i.test(text) && !NETWORK_WARNING.test(text),
  )
  if (limits.length === 0) {
    return check(
      'OW116',
      'ok',
      `memory, processes and CPU are bounded by control groups v${cgroupVersion} (${cgroupDriver})`,
    )
  }
  const memory = limits.some((text) => /No memory limit support/.test(text))
  const remedy = 'start the host’s kernel with cgroup_enable=memory swapaccount=1'
  return check('OW116', memory ? 'problem' : 'note', limits.map(plain).join('; '), remedy)
}

/** `WARNING: No swap limit support` without its first word. */
function plain(warning: string): string {
  return warning.replace(/^WARNING: */, '')
}
