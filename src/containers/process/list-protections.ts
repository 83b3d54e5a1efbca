/** Words for what the self-test and the preparation found: one entry a protection, with the reason and the remedy where it is off. */

import type { Cgroups } from './cgroups.ts'
import type { Protection } from '../protections.ts'
import type { NetworkMode } from './sandbox-plan.ts'
import type { SelfTestReport } from './self-test.ts'
import { canLimitProcesses } from './reservation.ts'
import type { SandboxLevel } from './settings.ts'

export interface ProtectionFindings {
  readonly level: SandboxLevel
  readonly root: boolean
  readonly cgroups: Cgroups | undefined
  /** Why control groups, or some controllers, are missing. */
  readonly reasons: readonly string[]
  readonly network: NetworkMode
  readonly hideAbstractSockets: boolean
}

/** Every protection, on or off. */
export function listProtections(report: SelfTestReport, found: ProtectionFindings): readonly Protection[] {
  const sandboxed = found.level !== 'none'
  const noSandbox = sandboxed ? {} : { remedy: 'install bubblewrap' }
  return [
    entry(
      'processes',
      report.processesHidden,
      report.processesHidden ? 'own process namespace' : 'sees all processes',
      noSandbox,
    ),
    entry('files', report.rootReadOnly && report.homeHidden, filesDetail(report, sandboxed), noSandbox),
    entry('own user', report.uid !== 0 || (!found.root && sandboxed), userDetail(report, found)),
    entry(
      'no capabilities',
      report.noCapabilities,
      report.noCapabilities ? 'none, and none to be had' : 'some are left',
    ),
    entry('no new privileges', report.noNewPrivileges, report.noNewPrivileges ? 'set' : 'not set', {
      remedy: 'install util-linux',
    }),
    entry('seccomp', report.seccomp, report.seccomp ? 'deny list' : seccompDetail(found), {
      remedy: sandboxed ? 'install bubblewrap, perl or util-linux 2.41' : 'install bubblewrap',
    }),
    entry('abstract sockets', found.network !== 'host' || found.hideAbstractSockets, abstractDetail(found), {
      remedy: 'Linux 6.12 and perl, or another containers.network',
    }),
    ...cgroupProtections(found),
    entry('network', found.network !== 'host', found.network === 'host' ? 'shared with the host' : found.network, {
      remedy: 'set containers.network to isolated or none',
    }),
  ]
}

function entry(name: string, on: boolean, detail: string, remedy: { readonly remedy?: string } = {}): Protection {
  return { name, on, detail, ...(!on && remedy) }
}

function filesDetail(report: SelfTestReport, sandboxed: boolean): string {
  if (report.rootReadOnly && report.homeHidden) return 'read-only root, private /tmp'
  return sandboxed ? 'the root is writable or shows home directories' : 'sees the files of the host'
}

function userDetail(report: SelfTestReport, { root, level }: ProtectionFindings): string {
  if (!root) return level === 'none' ? 'the user of the platform' : 'the user of the platform, inside a user namespace'
  return report.uid === 0 ? 'root' : 'one of its own'
}

function abstractDetail({ network, hideAbstractSockets }: ProtectionFindings): string {
  return network !== 'host' || hideAbstractSockets
    ? 'those of the host are out of reach'
    : 'those of the host can be connected to'
}

function seccompDetail({ level }: ProtectionFindings): string {
  return level === 'none' ? 'not for plain processes' : 'nothing here can load a program'
}

function cgroupProtections({ cgroups, reasons, root, level }: ProtectionFindings): readonly Protection[] {
  const why = reasons.length > 0 ? reasons.join('; ') : 'the controller is not available'
  const remedy = root ? 'mount the controller' : 'run the platform as a systemd service with Delegate=yes'
  const control = (name: string, on: boolean | undefined, otherwise: string): Protection =>
    entry(name, on === true, on === true ? `control group ${cgroups?.version ?? ''}` : `${otherwise}: ${why}`, {
      remedy,
    })
  return [
    control('memory limit', cgroups?.controls.memory, 'measured four times a second instead'),
    cgroups?.controls.processes !== true && canLimitProcesses(level, root)
      ? entry('process limit', true, 'resource limit')
      : control('process limit', cgroups?.controls.processes, 'none'),
    control('CPU share', cgroups?.controls.cpu, 'none'),
    control('freezer', cgroups?.controls.freezer, 'stopped by signals instead'),
  ]
}
