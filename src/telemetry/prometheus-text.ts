/** Prometheus' text format 0.0.4, line by line: https://prometheus.io/docs/instrumenting/exposition_formats/ */

import type { Histogram } from './instruments.ts'

/** One line; `labels` without braces. */
export function sampleLine(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${number(value)}\n`
}

/** The lines of a histogram: cumulated buckets, sum and count. */
export function histogramLines(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  const prefix = labels === '' ? '' : `${labels},`
  let text = ''
  let total = 0
  for (let index = 0; index < counts.length; index++) {
    total += counts[index] ?? 0
    const bound = bounds[index]
    text += `${name}_bucket{${prefix}le="${bound === undefined ? '+Inf' : bound}"} ${total}\n`
  }
  return `${text}${sampleLine(`${name}_sum`, labels, sum)}${sampleLine(`${name}_count`, labels, total)}`
}

/** `a="1",b="2"`: labels as the lines take them. */
export function labelText(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? String.raw`\n` : `\\${character}`))
}

/** The two comment lines above a metric's lines. */
export function headerLines(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): string {
  const escaped = help.replace(/[\\\n]/g, (character) => (character === '\n' ? String.raw`\n` : `\\${character}`))
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`
}
