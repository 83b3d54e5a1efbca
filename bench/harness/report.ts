/** Findings as a table for people and as JSON for machines. */

import type { Budget, Finding } from './finding.ts'
import { comparison, verdictOf } from './finding.ts'
import type { Machine } from './machine.ts'

export interface Report {
  readonly machine: Machine
  readonly quick: boolean
  readonly findings: readonly Finding[]
  /** Rows that could not be run, and why. */
  readonly failures: Readonly<Record<string, string>>
  /** Rows that this machine has not what is needed for, and what that is. */
  readonly skipped: Readonly<Record<string, string>>
}

/** The document that `--json` prints. */
export function reportJson({ machine, quick, findings, failures, skipped }: Report): object {
  return {
    machine,
    quick,
    findings: findings.map((finding) => ({ ...finding, verdict: verdictOf(finding) ?? 'information' })),
    failures,
    skipped,
  }
}

/** The table, its heading and what was missed. */
export function reportText({ machine, quick, findings, failures, skipped }: Report): string {
  const { cpu, cores, memoryGb, node, kernel, date, busyCores } = machine
  const lines = [
    `${date}  ${cores} x ${cpu}, ${memoryGb} GB, Linux ${kernel}, Node ${node}${quick ? ', quick' : ''}`,
    ...(busyCores > BUSY ? [`Other work kept ${busyCores} of ${cores} cores busy: these numbers say little.`] : []),
    '',
    ...table(findings.map(cells)),
    '',
    ...Object.entries(failures).map(([row, reason]) => `${row} could not be run: ${reason}`),
    ...Object.entries(skipped).map(([row, reason]) => `${row} skipped: ${reason}`),
  ]
  const judged = findings.filter((finding) => verdictOf(finding) !== undefined)
  const missed = judged.filter((finding) => verdictOf(finding) === 'missed')
  lines.push(`${judged.length - missed.length} of ${judged.length} budgets met`)
  return `${lines.join('\n')}\n`
}

/** Cores' worth of other work above which a run is void. */
export const BUSY = 0.1

/** One line for progress: what was found just now. */
export function findingLine(finding: Finding): string {
  return cells(finding)
    .filter((cell) => cell !== '')
    .join('  ')
}

const HEAD = ['row', 'what', 'limit', 'measured', 'compared', 'budget', '']

function cells(finding: Finding): readonly string[] {
  const { row, what, unit, against, limit, measured, budget } = finding
  return [
    row,
    what,
    limit === undefined ? '' : `${amount(limit)} ${unit} (${against ?? 'limit'})`,
    `${amount(measured)} ${unit}`,
    comparisonText(finding),
    budget === undefined ? '' : budgetText(budget, unit),
    { met: 'met', missed: 'MISSED', none: '' }[verdictOf(finding) ?? 'none'],
  ]
}

function comparisonText(finding: Finding): string {
  const value = comparison(finding)
  if (Number.isNaN(value)) return ''
  if (finding.budget?.type !== 'added') return `x ${value.toFixed(2)}`
  return `${value < 0 ? '-' : '+'}${amount(Math.abs(value))} ${finding.unit}`
}

function budgetText(budget: Budget, unit: string): string {
  switch (budget.type) {
    case 'share':
      return `>= x ${budget.atLeast.toFixed(2)}`
    case 'factor':
      return `<= x ${budget.atMost.toFixed(2)}`
    case 'added':
      return `<= +${amount(budget.atMost)} ${unit}`
    case 'most':
      return `<= ${amount(budget.value)} ${unit}`
    case 'least':
      return `>= ${amount(budget.value)} ${unit}`
  }
}

/** Three digits that count; whole numbers get commas. */
function amount(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const all = [HEAD, ...rows]
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
