/** What the Engine API answers, as far as it is used here: parsed at the edge, with the engine's own names left behind. */

import * as v from 'valibot'

export interface EngineVersion {
  /** Version of the engine, for people: `28.2.2`. */
  readonly engine: string
  readonly apiVersion: string
  readonly minApiVersion: string
  readonly os: string
  /** Commit of the runc that the engine starts containers with; undefined where it does not tell. */
  readonly runcCommit: string | undefined
  readonly runcVersion: string | undefined
}

export interface EngineInfo {
  readonly id: string
  readonly name: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly operatingSystem: string
  readonly rootDirectory: string
  readonly storageDriver: string
  readonly cgroupDriver: string
  readonly cgroupVersion: string
  readonly securityOptions: readonly string[]
  readonly liveRestore: boolean
  readonly runcCommit: string | undefined
  readonly warnings: readonly string[]
  readonly containers: number
  readonly images: number
}

export interface ContainerInspection {
  readonly engineId: string
  readonly running: boolean
  readonly paused: boolean
  readonly outOfMemory: boolean
  readonly exitCode: number
  /** Why the engine could not start it; empty when it could. */
  readonly error: string
  /** Process id of its first process on the engine's host; 0 when it does not run. */
  readonly pid: number
  readonly image: string
  readonly labels: Readonly<Record<string, string>>
  /** Network name to IPv4 address; empty address while there is none. */
  readonly addresses: Readonly<Record<string, string>>
  /** Host port that 8080 is published on, where it is. */
  readonly publishedPort: number | undefined
}

export interface ListedContainer {
  readonly engineId: string
  readonly names: readonly string[]
  readonly image: string
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
}

export interface ContainerEvent {
  readonly engineId: string
  readonly action: string
  /** Of `die`. */
  readonly exitCode: number | undefined
  /** Nanoseconds since the epoch, as the engine's clock has them. */
  readonly timeNano: bigint
}

export interface ImageInspection {
  readonly imageId: string
  readonly labels: Readonly<Record<string, string>>
  readonly sizeBytes: number
  readonly user: string
}

export interface ListedImage {
  readonly imageId: string
  readonly tags: readonly string[]
  readonly sizeBytes: number
}

export interface NetworkInspection {
  readonly networkId: string
  readonly name: string
  readonly driver: string
  readonly internal: boolean
  readonly subnet: string | undefined
  readonly gateway: string | undefined
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** One line of a pull's progress. */
export interface PullProgress {
  readonly layer: string | undefined
  readonly status: string
  readonly currentBytes: number | undefined
  readonly totalBytes: number | undefined
  readonly error: string | undefined
}

/** The engine answered something that cannot be understood: another engine than Docker's, or one from the future. */
export class UnknownAnswer extends Error {
  override readonly name = 'UnknownAnswer'
}

const texts = v.nullish(v.record(v.string(), v.string()), {})
const labels = v.pipe(
  texts,
  v.transform((found) => found ?? {}),
)
const textList = v.pipe(
  v.nullish(v.array(v.string()), []),
  v.transform((found) => found ?? []),
)
const commit = v.nullish(v.object({ ID: v.optional(v.string(), '') }))

const versionSchema = v.pipe(
  v.object({
    Version: v.optional(v.string(), 'unknown'),
    ApiVersion: v.string(),
    MinAPIVersion: v.optional(v.string(), '1.12'),
    Os: v.optional(v.string(), 'linux'),
    Components: v.nullish(
      v.array(
        v.object({
          Name: v.string(),
          Version: v.optional(v.string(), ''),
          Details: v.nullish(v.record(v.string(), v.string())),
        }),
      ),
    ),
  }),
  v.transform((found): EngineVersion => {
    const runc = found.Components?.find(({ Name }) => Name === 'runc')
    return {
      engine: found.Version,
      apiVersion: found.ApiVersion,
      minApiVersion: found.MinAPIVersion,
      os: found.Os,
      runcCommit: runc?.Details?.['GitCommit'],
      runcVersion: runc?.Version,
    }
  }),
)

const infoSchema = v.pipe(
  v.object({
    ID: v.optional(v.string(), ''),
    Name: v.string(),
    NCPU: v.number(),
    MemTotal: v.number(),
    OperatingSystem: v.optional(v.string(), ''),
    DockerRootDir: v.optional(v.string(), ''),
    Driver: v.optional(v.string(), ''),
    CgroupDriver: v.optional(v.string(), ''),
    CgroupVersion: v.optional(v.string(), '1'),
    SecurityOptions: textList,
    LiveRestoreEnabled: v.optional(v.boolean(), false),
    RuncCommit: commit,
    Warnings: textList,
    Containers: v.optional(v.number(), 0),
    Images: v.optional(v.number(), 0),
  }),
  v.transform((found): EngineInfo => ({
    id: found.ID,
    name: found.Name,
    cpus: found.NCPU,
    memoryBytes: found.MemTotal,
    operatingSystem: found.OperatingSystem,
    rootDirectory: found.DockerRootDir,
    storageDriver: found.Driver,
    cgroupDriver: found.CgroupDriver,
    cgroupVersion: found.CgroupVersion,
    securityOptions: found.SecurityOptions,
    liveRestore: found.LiveRestoreEnabled,
    runcCommit: found.RuncCommit?.ID,
    warnings: found.Warnings,
    containers: found.Containers,
    images: found.Images,
  })),
)

const portBindings = v.nullish(v.record(v.string(), v.nullish(v.array(v.object({ HostPort: v.string() })))), {})

const containerSchema = v.pipe(
  v.object({
    Id: v.string(),
    Image: v.optional(v.string(), ''),
    State: v.object({
      Running: v.boolean(),
      Paused: v.boolean(),
      OOMKilled: v.boolean(),
      ExitCode: v.number(),
      Error: v.optional(v.string(), ''),
      Pid: v.number(),
    }),
    Config: v.object({ Labels: labels }),
    NetworkSettings: v.object({
      Networks: v.nullish(v.record(v.string(), v.object({ IPAddress: v.optional(v.string(), '') })), {}),
      Ports: portBindings,
    }),
  }),
  v.transform((found): ContainerInspection => {
    const { State, NetworkSettings } = found
    const published = NetworkSettings.Ports?.['8080/tcp']?.[0]?.HostPort
    return {
      engineId: found.Id,
      running: State.Running,
      paused: State.Paused,
      outOfMemory: State.OOMKilled,
      exitCode: State.ExitCode,
      error: State.Error,
      pid: State.Pid,
      image: found.Image,
      labels: found.Config.Labels,
      addresses: Object.fromEntries(
        Object.entries(NetworkSettings.Networks ?? {}).map(([name, { IPAddress }]) => [name, IPAddress]),
      ),
      publishedPort: published === undefined ? undefined : Number(published),
    }
  }),
)

const containerListSchema = v.array(
  v.pipe(
    v.object({ Id: v.string(), Names: textList, Image: v.optional(v.string(), ''), State: v.string(), Labels: labels }),
    v.transform((found): ListedContainer => ({
      engineId: found.Id,
      names: found.Names.map((name) => name.replace(/^\//, '')),
      image: found.Image,
      state: found.State.toLowerCase(),
      labels: found.Labels,
    })),
  ),
)

const eventSchema = v.pipe(
  v.object({
    Action: v.string(),
    Actor: v.object({ ID: v.string(), Attributes: v.optional(v.record(v.string(), v.string()), {}) }),
    timeNano: v.optional(v.number(), 0),
  }),
  v.transform((found): ContainerEvent => {
    const code = found.Actor.Attributes['exitCode']
    return {
      engineId: found.Actor.ID,
      action: found.Action,
      exitCode: code === undefined ? undefined : Number(code),
      timeNano: BigInt(Math.trunc(found.timeNano)),
    }
  }),
)

const imageSchema = v.pipe(
  v.object({
    Id: v.string(),
    Size: v.optional(v.number(), 0),
    Config: v.nullish(v.object({ Labels: labels, User: v.optional(v.string(), '') })),
  }),
  v.transform((found): ImageInspection => ({
    imageId: found.Id,
    labels: found.Config?.Labels ?? {},
    sizeBytes: found.Size,
    user: found.Config?.User ?? '',
  })),
)

const imageListSchema = v.array(
  v.pipe(
    v.object({ Id: v.string(), RepoTags: textList, Size: v.optional(v.number(), 0) }),
    v.transform((found): ListedImage => ({ imageId: found.Id, tags: found.RepoTags, sizeBytes: found.Size })),
  ),
)

const networkSchema = v.pipe(
  v.object({
    Id: v.string(),
    Name: v.string(),
    Driver: v.string(),
    Internal: v.optional(v.boolean(), false),
    IPAM: v.nullish(
      v.object({
        Config: v.nullish(v.array(v.object({ Subnet: v.optional(v.string()), Gateway: v.optional(v.string()) })), []),
      }),
    ),
    Options: labels,
    Labels: labels,
  }),
  v.transform((found): NetworkInspection => {
    const ipv4 = found.IPAM?.Config?.find(({ Subnet }) => Subnet?.includes('.') === true)
    return {
      networkId: found.Id,
      name: found.Name,
      driver: found.Driver,
      internal: found.Internal,
      subnet: ipv4?.Subnet,
      gateway: ipv4?.Gateway,
      options: found.Options,
      labels: found.Labels,
    }
  }),
)

const progressSchema = v.pipe(
  v.object({
    id: v.optional(v.string()),
    status: v.optional(v.string(), ''),
    progressDetail: v.nullish(v.object({ current: v.optional(v.number()), total: v.optional(v.number()) })),
    error: v.optional(v.string()),
  }),
  v.transform((found): PullProgress => ({
    layer: found.id,
    status: found.status,
    currentBytes: found.progressDetail?.current,
    totalBytes: found.progressDetail?.total,
    error: found.error,
  })),
)

const createdSchema = v.object({ Id: v.string() })

function reader<Parsed>(what: string, schema: v.GenericSchema<unknown, Parsed>): (answer: unknown) => Parsed {
  return (answer) => {
    const parsed = v.safeParse(schema, answer)
    if (parsed.success) return parsed.output
    const [issue] = parsed.issues
    const where = v.getDotPath(issue) ?? 'the answer'
    throw new UnknownAnswer(`the Docker Engine's answer about ${what} cannot be read: ${where}: ${issue.message}`)
  }
}

/** Parse answers; each throws `UnknownAnswer`. */
export const readVersion = reader('its version', versionSchema)
export const readInfo = reader('itself', infoSchema)
export const readContainer = reader('a container', containerSchema)
export const readContainers = reader('its containers', containerListSchema)
export const readEvent = reader('an event', eventSchema)
export const readImage = reader('an image', imageSchema)
export const readImages = reader('its images', imageListSchema)
export const readNetwork = reader('a network', networkSchema)
export const readProgress = reader('a pull', progressSchema)
export const readCreatedId = (answer: unknown): string => reader('what it created', createdSchema)(answer).Id
