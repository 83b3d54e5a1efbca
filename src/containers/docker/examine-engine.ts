/** Gathers what there is to know of a Docker Engine and of the host beneath it; changes nothing on either. engine-checks.ts judges it. */

import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/schema.ts'
import { formatImage } from '../../model/manifest.ts'
import { findTool } from '../host/find-tool.ts'
import { missingForPacketFilter } from '../host/packet-filter-rights.ts'
import { runTool } from '../host/run-tool.ts'
import { choosePause, probeFreezer, probeRunc } from '../pause/choose-pause.ts'
import { detectCgroupVersion } from '../pause/locate-freezer.ts'
import type { RuncVersion } from '../pause/runc-version.ts'
import { parseEngineAddress } from './engine-address.ts'
import type { EngineFacts, EngineReport, HostFacts } from './engine-checks.ts'
import type { EngineClient } from './engine-client.ts'
import { agreedVersion, createEngineClient } from './engine-client.ts'
import { createEngineTransport } from './engine-transport.ts'
import { readExtraArguments } from './extra-arguments.ts'
import { resolvePaths } from './host-paths.ts'
import { dockerManifest } from './manifest.ts'
import type { NetworkPlace } from './network-place.ts'
import { outOfReach, placeOf } from './network-place.ts'
import { reachOf } from './reach.ts'
import type { EngineFailure } from './unreachable-engine.ts'
import { engineFailure } from './unreachable-engine.ts'

const TIMEOUT_MS = 10_000
const CONNECTIONS = 8
const CERTIFICATES = ['ca.pem', 'cert.pem', 'key.pem']

/** Looks at the engine of the configuration. Takes some seconds at most, more where the engine hangs; never rejects. */
export async function examineEngine(config: Config): Promise<EngineReport> {
  const { docker } = config
  const engine = await askEngine(config)
  const runc: RuncVersion =
    'version' in engine
      ? { version: engine.version.runcVersion, commit: engine.version.runcCommit ?? engine.info.runcCommit }
      : { version: undefined, commit: undefined }
  return {
    address: docker.host,
    local: docker.host.startsWith('unix:') && process.platform === 'linux',
    engine,
    host: await examineHost(config, runc),
    settings: {
      pullPolicy: docker.pullPolicy,
      imageHighWaterPercent: docker.imageHighWaterPercent,
      certPath: docker.certPath,
      missingCertificates: CERTIFICATES.filter((file) => !existsSync(join(docker.certPath, file))),
      extraArgs: faultOf(() => readExtraArguments(docker.extraArgs)),
    },
  }
}

async function askEngine(config: Config): Promise<EngineFacts | EngineFailure> {
  const { docker } = config
  let client: EngineClient | undefined
  try {
    const address = parseEngineAddress(docker.host, docker.certPath, docker.tlsVerify)
    const timeouts = { requestMs: TIMEOUT_MS, quickMs: TIMEOUT_MS, pullMs: TIMEOUT_MS }
    client = createEngineClient(createEngineTransport(address, CONNECTIONS), timeouts)
    const version = await client.version()
    const unspoken = faultOf(() => agreedVersion(version, docker.host))
    if (unspoken === undefined) await client.connect()
    const info = await client.info()
    return {
      version,
      unspoken,
      info,
      kinds: await findImages(config, client),
      network: reachOf(address, info).type === 'address' ? await findPlace(docker.network, client) : undefined,
      diskUsedPercent: await diskUsedPercent(info.rootDirectory),
    }
  } catch (error) {
    return engineFailure(error)
  } finally {
    await client?.close()
  }
}

async function findImages({ runtimes, containers }: Config, client: EngineClient): Promise<EngineFacts['kinds']> {
  const hasImage = async (image: string): Promise<boolean> => (await client.inspectImage(image)) !== undefined
  const manifest = await dockerManifest({
    manifest: runtimes.manifest,
    stemCells: containers.stemCells,
    ownStemCells: false,
    hasImage,
  })
  return Promise.all(
    manifest.kinds.map(async ({ kind, image }) => {
      const name = formatImage(image)
      return { kind, image: name, present: await hasImage(name) }
    }),
  )
}

/** A network that is missing will be a bridge of the engine's host, as that one is which every engine has. */
async function findPlace(name: string, client: EngineClient): Promise<EngineFacts['network']> {
  const network = await client.inspectNetwork(name)
  if (network !== undefined) {
    const place = placeOf(network)
    return { place, unreachable: outOfReach(network, place) }
  }
  const common = await client.inspectNetwork('bridge')
  if (common === undefined) return undefined
  const place: NetworkPlace = placeOf(common).type === 'host' ? { type: 'host' } : { type: 'outside' }
  return { place, unreachable: outOfReach({ name, options: {} }, place) }
}

async function examineHost({ docker }: Config, engineRunc: RuncVersion): Promise<HostFacts> {
  const paths = resolvePaths(docker)
  const freezer = probeFreezer(paths.cgroup)
  const runc = await probeRunc({
    binary: paths.runcBinary,
    root: paths.runc,
    engine: engineRunc,
    versionOf: (binary) => runTool(binary, ['--version'], '', TIMEOUT_MS),
  })
  return {
    paths,
    cgroupVersion: detectCgroupVersion(paths.cgroup),
    hasRuncState: existsSync(paths.runc),
    hasContainers: existsSync(paths.containers),
    freezer,
    runc,
    choice: choosePause(docker.pause, { cgroup: freezer, runc }),
    packetFilter: ['nft', 'iptables'].find((name) => findTool(name) !== undefined),
    unfiltered: missingForPacketFilter(findTool),
  }
}

/** As df has it: what only root may still use does not count as free. Undefined where the directory cannot be seen from here. */
async function diskUsedPercent(directory: string): Promise<number | undefined> {
  try {
    const { blocks, bavail, bfree } = await statfs(directory)
    const used = blocks - bfree
    return Math.ceil((100 * used) / Math.max(1, used + bavail))
  } catch {
    return undefined
  }
}

function faultOf(attempt: () => unknown): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
