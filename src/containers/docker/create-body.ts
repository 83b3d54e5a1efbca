/** The body that the Engine API takes for creating a container, as far as it is used here; all of it optional. Names are the engine's. */

export interface CreateBody {
  readonly Image?: string
  readonly OpenStdin?: boolean
  readonly Tty?: boolean
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Hostname?: string
  readonly Domainname?: string
  readonly User?: string
  readonly WorkingDir?: string
  readonly StopSignal?: string
  readonly StopTimeout?: number
  readonly MacAddress?: string
  readonly Env?: readonly string[]
  readonly Labels?: Readonly<Record<string, string>>
  /** Anonymous volumes by their path. */
  readonly Volumes?: Readonly<Record<string, object>>
  readonly HostConfig?: HostConfigBody
}

export interface HostConfigBody {
  readonly NetworkMode?: string
  readonly Memory?: number
  readonly MemorySwap?: number
  readonly RestartPolicy?: { readonly Name: string }
  readonly PortBindings?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>
  readonly Dns?: readonly string[]
  readonly DnsSearch?: readonly string[]
  readonly DnsOptions?: readonly string[]
  readonly CapAdd?: readonly string[]
  readonly CapDrop?: readonly string[]
  readonly Privileged?: boolean
  readonly ReadonlyRootfs?: boolean
  readonly Init?: boolean
  readonly SecurityOpt?: readonly string[]
  readonly UsernsMode?: string
  readonly GroupAdd?: readonly string[]
  readonly Runtime?: string
  readonly Isolation?: string
  readonly CgroupParent?: string
  readonly CgroupnsMode?: string
  readonly IpcMode?: string
  readonly PidMode?: string
  readonly UTSMode?: string
  readonly ShmSize?: number
  readonly Sysctls?: Readonly<Record<string, string>>
  readonly Annotations?: Readonly<Record<string, string>>
  readonly Tmpfs?: Readonly<Record<string, string>>
  readonly StorageOpt?: Readonly<Record<string, string>>
  readonly Ulimits?: readonly Ulimit[]
  readonly Binds?: readonly string[]
  readonly Mounts?: readonly Mount[]
  readonly VolumeDriver?: string
  readonly VolumesFrom?: readonly string[]
  readonly Devices?: readonly Device[]
  readonly DeviceCgroupRules?: readonly string[]
  readonly DeviceRequests?: readonly DeviceRequest[]
  readonly LogConfig?: LogConfig
  readonly ExtraHosts?: readonly string[]
  readonly CpuShares?: number
  readonly NanoCpus?: number
  readonly CpuPeriod?: number
  readonly CpuQuota?: number
  readonly CpuRealtimePeriod?: number
  readonly CpuRealtimeRuntime?: number
  readonly CpusetCpus?: string
  readonly CpusetMems?: string
  readonly MemorySwappiness?: number
  readonly MemoryReservation?: number
  readonly KernelMemory?: number
  readonly OomKillDisable?: boolean
  readonly OomScoreAdj?: number
  readonly PidsLimit?: number
  readonly BlkioWeight?: number
  readonly BlkioWeightDevice?: readonly { readonly Path: string; readonly Weight: number }[]
  readonly BlkioDeviceReadBps?: readonly DeviceRate[]
  readonly BlkioDeviceWriteBps?: readonly DeviceRate[]
  readonly BlkioDeviceReadIOps?: readonly DeviceRate[]
  readonly BlkioDeviceWriteIOps?: readonly DeviceRate[]
}

export interface Ulimit {
  readonly Name: string
  readonly Soft: number
  readonly Hard: number
}

export interface Mount {
  readonly Type: string
  readonly Source?: string
  readonly Target: string
  readonly ReadOnly?: boolean
  readonly Consistency?: string
  readonly BindOptions?: { readonly Propagation?: string; readonly NonRecursive?: boolean }
  readonly VolumeOptions?: { readonly NoCopy?: boolean; readonly Labels?: Readonly<Record<string, string>> }
  readonly TmpfsOptions?: { readonly SizeBytes?: number; readonly Mode?: number }
}

export interface Device {
  readonly PathOnHost: string
  readonly PathInContainer: string
  readonly CgroupPermissions: string
}

export interface DeviceRequest {
  readonly Driver: string
  readonly Count: number
  readonly DeviceIDs: readonly string[]
  readonly Capabilities: readonly (readonly string[])[]
  readonly Options: Readonly<Record<string, string>>
}

export interface LogConfig {
  readonly Type?: string
  readonly Config?: Readonly<Record<string, string>>
}

export interface DeviceRate {
  readonly Path: string
  readonly Rate: number
}
