import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from './finding.ts'
import { verdictOf } from './finding.ts'
import { reportJson, reportText } from './report.ts'

const machine = {
  date: '2026-01-01T00:00',
  cpu: 'CPU',
  cores: 2,
  memoryGb: 8,
  kernel: '6.1',
  node: '24.0.0',
  busyCores: 0,
}
const findings: readonly Finding[] = [
  {
    row: 'warm',
    what: 'calls',
    unit: 'calls/s',
    against: 'echo server',
    limit: 20_000,
    measured: 9000,
    budget: { type: 'share', atLeast: 0.4 },
  },
  { row: 'warm', what: 'p99', unit: 'ms', limit: 1, measured: 5.25, budget: { type: 'added', atMost: 3 } },
  { row: 'memory', what: 'idle', unit: 'MB', measured: 99, budget: { type: 'most', value: 100 } },
  { row: 'memory', what: 'peak', unit: 'MB', measured: 140 },
]

test('each kind of budget judges what it speaks of', () => {
  const verdict = (budget: Finding['budget'], measured: number, compared?: number): string | undefined =>
    verdictOf({
      row: '',
      what: '',
      unit: '',
      limit: 10,
      measured,
      ...(budget !== undefined && { budget }),
      ...(compared !== undefined && { compared }),
    })
  assert.equal(verdict({ type: 'share', atLeast: 0.5 }, 5), 'met')
  assert.equal(verdict({ type: 'share', atLeast: 0.5 }, 5, 0.4), 'missed', 'the pairs decide where there are any')
  assert.equal(verdict({ type: 'factor', atMost: 1.1 }, 11.5), 'missed')
  assert.equal(verdict({ type: 'added', atMost: 2 }, 12), 'met')
  assert.equal(verdict({ type: 'added', atMost: 2 }, 12, 2.5), 'missed')
  assert.equal(verdict({ type: 'most', value: 0 }, 0), 'met')
  assert.equal(verdict({ type: 'least', value: 7 }, 6), 'missed')
  assert.equal(verdict({ type: 'most', value: 3 }, NaN), 'missed', 'what could not be measured is not met')
  assert.equal(verdict(undefined, 1), undefined)
})

test('the table has limit, budget and verdict of each finding, and says what it is worth', () => {
  const lines = reportText({
    machine,
    quick: false,
    findings,
    failures: { burst: 'no sandbox' },
    skipped: { unpark: 'no freezer' },
  }).split('\n')
  assert.match(lines[0] ?? '', /2 x CPU, 8 GB, Linux 6.1, Node 24.0.0$/)
  assert.match(
    lines.find((line) => line.includes('calls  ')) ?? '',
    /20,000 calls\/s \(echo server\) +9,000 calls\/s +x 0.45 +>= x 0.40 +met$/,
  )
  assert.match(lines.find((line) => line.includes('p99')) ?? '', /\+4.25 ms +<= \+3 ms +MISSED$/)
  assert.ok(lines.includes('burst could not be run: no sandbox'))
  assert.ok(lines.includes('unpark skipped: no freezer'))
  assert.ok(lines.includes('2 of 3 budgets met'))
  const busy = { ...machine, busyCores: 1.5 }
  assert.match(
    reportText({ machine: busy, quick: false, findings, failures: {}, skipped: {} }),
    /these numbers say little/,
  )
})

test('the JSON has the same verdicts', () => {
  const { findings: judged } = reportJson({ machine, quick: true, findings, failures: {}, skipped: {} }) as {
    readonly findings: readonly { readonly verdict: string }[]
  }
  assert.deepEqual(
    judged.map(({ verdict }) => verdict),
    ['met', 'missed', 'met', 'information'],
  )
})
