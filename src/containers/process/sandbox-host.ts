/** What the host was found to allow and what was prepared on it: everything that starting a container takes besides the container's own specification. */

import type { Clock } from '../../model/clock.ts'
import type { Cgroups } from './cgroups.ts'
import type { ContainerNetworks } from './container-networks.ts'
import type { ContainerRecords } from './container-record.ts'
import type { MemoryWatch } from './memory-watch.ts'
import type { Protections } from '../protections.ts'
import type { RootDirectory } from './root-directory.ts'
import type { FactoryLog, ProcessFactorySettings, SandboxLevel } from './settings.ts'
import type { ProcessStarter } from './started-process.ts'
import type { UserPool } from './user-pool.ts'
import type { WaitingShells } from './waiting-shells.ts'

export interface SandboxHost {
  readonly settings: ProcessFactorySettings
  readonly clock: Clock
  readonly log: FactoryLog
  readonly capacity: { readonly memoryMb: number; readonly cpuMilli: number }
  readonly level: SandboxLevel
  readonly starter: ProcessStarter
  readonly root: RootDirectory
  readonly records: ContainerRecords
  /** Undefined where the platform is not root. */
  readonly users: UserPool | undefined
  /** Undefined where none can be made. */
  readonly cgroups: Cgroups | undefined
  readonly networks: ContainerNetworks
  readonly seccompFile: string | undefined
  readonly hideAbstractSockets: boolean
  readonly memoryWatch: MemoryWatch
  /** Shells that wait to become containers; absent: each start makes its own. */
  readonly shells?: WaitingShells
}

/** A host whose way of building sandboxes has passed its self-test. */
export interface PreparedHost extends SandboxHost {
  readonly protections: Protections
  /** Gives back all that was prepared. Containers must have ended. Idempotent. */
  release(): Promise<void>
}
