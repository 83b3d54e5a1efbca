/**
 * `npm run bench [-- ROW … --quick --json --peers]`: runs rows of the benchmark and prints what they found beside its limits and budgets. The exit
 * code says whether all rows could be run, not whether budgets were met: that depends on the machine, and is for the reader.
 */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { engineOfRun, runDockerRows } from './harness/docker-rows.ts'
import type { Finding } from './harness/finding.ts'
import { busyCores, describeMachine } from './harness/machine.ts'
import { BUSY, findingLine, reportJson, reportText } from './harness/report.ts'
import type { Row } from './harness/row.ts'
import { ROWS } from './harness/rows.ts'
import { Workbench } from './harness/workbench.ts'
import type { WorkbenchOptions } from './harness/workbench.ts'
import { installPeers } from './limits/peers.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LISTEN_MS = 500
const INTERRUPTED = 130

const USAGE = `npm run bench [-- ROW … [--quick] [--json] [--peers]]

  --quick  fewer and shorter rounds: a look, not a result
  --json   the report as JSON on standard output
  --peers  workerd and Google's functions-framework in the same rounds (installed once, into node_modules/.cache)

Rows, all by default:
${ROWS.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}
`

process.exitCode = await main()

async function main(): Promise<number> {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        peers: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}`)
    return 2
  }
  const { values, positionals } = parsed
  const unknown = positionals.filter((name) => !ROWS.some((row) => row.name === name))
  if (values.help || unknown.length > 0) {
    process.stderr.write(unknown.length > 0 ? `There is no row ${unknown.join(', ')}.\n\n${USAGE}` : USAGE)
    return unknown.length > 0 ? 2 : 0
  }
  const rows = positionals.length === 0 ? ROWS : ROWS.filter(({ name }) => positionals.includes(name))
  const engine = engineOfRun(process.env)
  const dockerHost = engine !== undefined && 'dockerHost' in engine ? engine.dockerHost : undefined
  if (values.peers) progress('installing the peers')
  const peers = values.peers ? installPeers(join(ROOT, 'node_modules/.cache/stave-bench-peers')) : undefined
  const env = childEnvironment()
  return runRows(rows, { root: ROOT, quick: values.quick, peers, env, dockerHost, progress }, values.json)
}

async function runRows(rows: readonly Row[], options: WorkbenchOptions, json: boolean): Promise<number> {
  const findings: Finding[] = []
  const failures: Record<string, string> = {}
  const skipped: Record<string, string> = {}
  const engine = engineOfRun(process.env)
  let busiest = 0
  let bench = new Workbench(options)
  const interruption = stopOnSignals(() => bench)
  const elsewhere = engine === undefined ? rows.filter(({ needs }) => needs === 'docker') : []
  for (const row of rows.filter((candidate) => !elsewhere.includes(candidate))) {
    if (row.needs === 'docker' && engine !== undefined && 'missing' in engine) {
      skipped[row.name] = engine.missing
      options.progress(`\n${row.name}: skipped, ${engine.missing}`)
      continue
    }
    const busy = await busyCores(LISTEN_MS)
    if (interruption.asked) break
    busiest = Math.max(busiest, busy)
    options.progress(`\n${row.name}: ${row.about}${busy > BUSY ? ` (others use ${busy.toFixed(1)} cores)` : ''}`)
    bench = new Workbench(options)
    try {
      const found = await row.measure(bench)
      findings.push(...found)
      for (const finding of found) options.progress(`  ${findingLine(finding)}`)
    } catch (error) {
      failures[row.name] = messageOf(error)
      options.progress(`  could not be run: ${messageOf(error)}`)
    }
    await closeBench(row.name)
  }
  if (elsewhere.length > 0 && !interruption.asked) {
    bench = new Workbench(options)
    try {
      const report = await runDockerRows(bench, elsewhere)
      findings.push(...report.findings)
      Object.assign(failures, report.failures)
      Object.assign(skipped, report.skipped)
      busiest = Math.max(busiest, report.machine.busyCores)
    } catch (error) {
      for (const { name } of elsewhere) failures[name] = messageOf(error)
      options.progress(`  could not be run: ${messageOf(error)}`)
    }
    await closeBench('what needs an engine')
  }
  if (interruption.asked) return INTERRUPTED
  const report = { machine: describeMachine(busiest, new Date()), quick: options.quick, findings, failures, skipped }
  process.stdout.write(json ? `${JSON.stringify(reportJson(report), undefined, 2)}\n` : `\n${reportText(report)}`)
  return Object.keys(failures).length > 0 ? 1 : 0

  async function closeBench(name: string): Promise<void> {
    await bench.close().catch((error: unknown) => {
      failures[name] = `what it started could not be ended: ${messageOf(error)}`
    })
  }
}

/** Ends the row under way in order and the process after it; at once when asked again. */
function stopOnSignals(current: () => Workbench): { readonly asked: boolean } {
  const state = { asked: false }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (state.asked) process.exit(INTERRUPTED)
      state.asked = true
      current()
        .close()
        .catch((error: unknown) => process.stderr.write(`${messageOf(error)}\n`))
        .finally(() => process.exit(INTERRUPTED))
    })
  }
  process.on('exit', () => current().killAll())
  return state
}

/** Without what would configure Stave or Node: every run has the same settings. */
function childEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:STAVE_|CONFIG_|NODE_OPTIONS$|npm_)/.test(name))
  return Object.fromEntries(kept)
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
