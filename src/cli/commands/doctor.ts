/** `stave doctor`: what this host can isolate and run, and what to install for more. */

import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { handler, optionsOf } from '../cli.ts'
import type { Check } from '../../model/check-codes.ts'
import { EXIT } from '../failure.ts'
import type { DoctorReport } from '../host-report.ts'
import { bold, printJson } from '../output.ts'
import { addConfigOptions, loadPlatformConfig } from '../platform-config.ts'
import { VERSION } from '../version.ts'

/** Builds the command. It exits with 1 when something keeps a server with this configuration from starting. */
export function doctorCommand(cli: Cli): Command {
  const command = new Command('doctor')
    .description('report what this host can isolate, which kinds it can run, and what to install for more')
    .action(handler(cli, (_: object, self: Command) => diagnose(cli, self)))
  return addConfigOptions(command)
}

async function diagnose(cli: Cli, command: Command): Promise<number> {
  const { config, warnings } = await loadPlatformConfig(cli, command)
  const { examineHost } = await import('../host-report.ts')
  const report = await examineHost(config, cli.shell.env['PATH'] ?? '')
  const { dataDir, port, engine, containers } = report
  const checks = [
    dataDir,
    port,
    ...engine,
    ...('state' in containers && !engine.includes(containers) ? [containers] : []),
  ]
  const problems = checks.filter(({ state }) => state === 'problem')
  if (optionsOf(command).json === true) printJson(cli, { version: VERSION, ...report, warnings })
  else cli.shell.out(render(cli, report, warnings, problems.length))
  return problems.length === 0 ? EXIT.ok : EXIT.general
}

function render(cli: Cli, report: DoctorReport, warnings: readonly string[], problems: number): string {
  const { containers, capacity } = report
  const host = `${report.platform}, ${report.cpus} CPUs, ${report.memoryMb} MB`
  const lines = [
    bold(cli, 'Host'),
    row('ok', `Stave ${VERSION}, Node.js ${report.node}, ${host}`),
    finding(report.dataDir),
    finding(report.port),
    ...warnings.map((warning) => row('note', warning)),
    '',
    ...(report.engine.length === 0 ? [] : [bold(cli, 'Docker Engine'), ...report.engine.map(finding), '']),
    bold(cli, 'Isolation'),
    ...('state' in containers ? [failedIsolation(containers, report.engine)] : isolationRows(containers.protections)),
    '',
    bold(cli, 'Kinds'),
    ...('state' in containers ? [row('note', 'not looked at')] : kindRows(containers)),
    '',
    bold(cli, 'Capacity'),
    row(
      'ok',
      Object.entries(capacity)
        .map(([name, amount]) => `${name} ${amount}`)
        .join(', ') || 'none',
    ),
    '',
    problems === 0
      ? 'A server can start here.'
      : `A server cannot start here: ${problems} problem${problems === 1 ? '' : 's'}. docs/troubleshooting.md has a section of each code.`,
    '',
  ]
  return lines.join('\n')
}

/** What keeps containers from being started; an engine's own problem has been told above. */
function failedIsolation(problem: Check, engine: readonly Check[]): string {
  return engine.includes(problem) ? row('note', 'not looked at') : finding(problem)
}

type Containers = Exclude<DoctorReport['containers'], Check>

function isolationRows({ level, root, network, protections, rejected }: Containers['protections']): readonly string[] {
  const how = `${level === 'none' ? 'no sandbox' : level} as ${root ? 'root' : 'an ordinary user'}, network ${network}`
  return [
    row(level === 'none' ? 'off' : 'ok', how),
    ...protections.map(({ name, on, detail, remedy }) => row(on ? 'ok' : 'off', `${name}: ${detail}`, remedy)),
    ...rejected.map((entry) => row('better', `${entry.level}: ${entry.reason}`, entry.remedy)),
  ]
}

function kindRows({ kinds, absent }: Containers): readonly string[] {
  return [
    ...kinds.map((kind) => row('ok', kind)),
    ...absent.map(({ kind, reason, remedy }) => row('absent', `${kind}: ${reason}`, remedy)),
  ]
}

function finding({ code, state, text, remedy }: Check): string {
  return row(state, `${code} ${text}`, remedy)
}

/** A remedy stands on a line of its own, where it can be copied. */
function row(state: string, text: string, remedy?: string): string {
  const line = `  ${state.padEnd(7)} ${text}`
  return remedy === undefined || remedy === '' ? line : `${line}\n          -> ${remedy}`
}
