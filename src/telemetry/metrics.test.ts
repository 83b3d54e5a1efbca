import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Family, Histogram } from './instruments.ts'
import { MetricsRegistry } from './metrics.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import { UserMetrics } from './user-metrics.ts'
import type { ActionLabels } from './user-metrics.ts'

/** One line of Prometheus text that is no comment. */
const SAMPLE =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*\})? (?:[-+0-9.e]+|NaN|[+-]Inf)$/

function linesOf(registry: MetricsRegistry): string[] {
  const lines = registry.render().trimEnd().split('\n')
  for (const line of lines) assert.ok(line.startsWith('# ') || SAMPLE.test(line), line)
  return lines
}

test('H.1: counters, gauges and histograms as Prometheus text', () => {
  const registry = new MetricsRegistry()
  registry.counter('stave_calls_total', 'Calls.').inc(3)
  registry.gauge('stave_parked', 'Parked.\nMore.').set(-1.5)
  const waits = registry.histogram('stave_wait_seconds', 'Waits.', [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7, Number.NaN]) waits.observe(value)
  registry.observe('gauge', 'stave_held', 'Held.', () => [{ labels: { state: 'idle' }, value: 4 }])
  registry.observe('counter', 'stave_seen_total', 'Seen.', () => 9)
  assert.deepEqual(linesOf(registry).slice(3), [
    '# HELP stave_calls_total Calls.',
    '# TYPE stave_calls_total counter',
    'stave_calls_total 3',
    String.raw`# HELP stave_parked Parked.\nMore.`,
    '# TYPE stave_parked gauge',
    'stave_parked -1.5',
    '# HELP stave_wait_seconds Waits.',
    '# TYPE stave_wait_seconds histogram',
    'stave_wait_seconds_bucket{le="0.1"} 2',
    'stave_wait_seconds_bucket{le="1"} 3',
    'stave_wait_seconds_bucket{le="+Inf"} 4',
    'stave_wait_seconds_sum 7.65',
    'stave_wait_seconds_count 4',
    '# HELP stave_held Held.',
    '# TYPE stave_held gauge',
    'stave_held{state="idle"} 4',
    '# HELP stave_seen_total Seen.',
    '# TYPE stave_seen_total counter',
    'stave_seen_total 9',
  ])
})

test('label values are escaped, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((value) => !/[\r\u2028\u2029]/.test(value)),
      (value) => {
        const registry = new MetricsRegistry()
        registry.counters('stave_x_total', 'X.', ['a', 'b']).with(value, 'b').inc()
        linesOf(registry)
      },
    ),
  )
})

test('a scrape of many series comes in pieces', () => {
  const registry = new MetricsRegistry()
  const family = registry.histograms('stave_x_seconds', 'X.', ['name'], [1, 2, 3], 1000)
  for (let index = 0; index < 1000; index++) family.with(`name ${index}`).observe(index)
  const chunks = [...registry.chunks()]
  assert.ok(chunks.length > 3 && chunks.every((chunk) => chunk.length < 80_000))
  assert.equal(chunks.join(''), registry.render())
  assert.equal(linesOf(registry).filter((line) => line.startsWith('# TYPE')).length, 2)
})

test('a family is bounded: what exceeds it shares one series called other, and room comes back', () => {
  const registry = new MetricsRegistry()
  const family = registry.counters('stave_x_total', 'X.', ['name'], 2)
  for (const name of ['a', 'b', 'c', 'd', 'a']) family.with(name).inc()
  assert.deepEqual(linesOf(registry).slice(-3), [
    'stave_x_total{name="a"} 2',
    'stave_x_total{name="b"} 1',
    'stave_x_total{name="other"} 2',
  ])
  assert.equal(
    family.remove(([name]) => name === 'a'),
    1,
  )
  family.with('e').inc()
  assert.deepEqual(linesOf(registry).slice(-3), [
    'stave_x_total{name="b"} 1',
    'stave_x_total{name="e"} 1',
    'stave_x_total{name="other"} 2',
  ])
})

test('a wrong number of label values is refused', () => {
  const family = new Family(['a', 'b'], 10, () => new Histogram([1]))
  assert.throws(() => family.with('only one'), TypeError)
  assert.notEqual(family.with('x', 'y'), family.with('xy', ''))
})

test('a metric that cannot be read is left out and counted; the rest is there', () => {
  const registry = new MetricsRegistry()
  registry.observe('gauge', 'stave_broken', 'Broken.', () => {
    throw new Error('gone')
  })
  registry.counter('stave_fine_total', 'Fine.').inc()
  assert.ok(!registry.render().includes('stave_broken'))
  const lines = linesOf(registry)
  assert.ok(lines.includes('stave_fine_total 1'))
  assert.ok(lines.includes('stave_metrics_read_failures_total 1'))
})

test('names are checked and unique', () => {
  const registry = new MetricsRegistry()
  registry.counter('stave_a_total', 'A.')
  assert.throws(() => registry.gauge('stave_a_total', 'A.'), /two metrics/)
  assert.throws(() => registry.counter('stave a', 'A.'), /not a metric name/)
  assert.throws(() => registry.counters('stave_b_total', 'B.', ['no good']), /not a label name/)
})

test('process metrics: memory, processor time, event loop, handles', () => {
  const registry = new MetricsRegistry()
  const measuring = registerProcessMetrics(registry)
  linesOf(registry)
  const text = registry.render()
  for (const name of [
    'process_resident_memory_bytes',
    'nodejs_heap_size_used_bytes',
    'process_cpu_seconds_total',
    'nodejs_active_resources_total',
  ])
    assert.match(text, new RegExp(`^${name} [0-9.]*[1-9][0-9.]*$`, 'm'))
  assert.match(text, /^nodejs_eventloop_lag_seconds\{quantile="0.99"\} [0-9.e-]+$/m)
  assert.match(text, /^nodejs_eventloop_utilization_ratio [01]/m)
  assert.match(text, /^stave_metrics_read_failures_total 0$/m)
  measuring.stop()
  measuring.stop()
})

const HELLO: ActionLabels = {
  namespace: 'guest',
  initiator: 'ada',
  action: 'pkg/hello',
  kind: 'nodejs:24',
  memoryMb: 256,
}

test('L.5, H.2: user metrics have OpenWhisk’s names and labels', () => {
  const registry = new MetricsRegistry()
  const metrics = new UserMetrics(registry)
  metrics.record(HELLO, { statusCode: 0, durationMs: 30, waitTimeMs: 4, initTimeMs: 20, responseBytes: 100 })
  metrics.record(HELLO, { statusCode: 2, durationMs: 3, waitTimeMs: 1 })
  metrics.refused('concurrent', 'guest')
  metrics.refused('perMinute', 'guest')
  const lines = linesOf(registry)
  const labels = 'namespace="guest",initiator="ada",action="pkg/hello",kind="nodejs:24",memory="256"'
  for (const line of [
    `openwhisk_action_activations_total{${labels}} 2`,
    `openwhisk_action_coldStarts_total{${labels}} 1`,
    `openwhisk_action_waitTime_seconds_count{${labels}} 2`,
    `openwhisk_action_initTime_seconds_count{${labels}} 1`,
    `openwhisk_action_initTime_seconds_sum{${labels}} 0.02`,
    `openwhisk_action_duration_seconds_bucket{${labels},le="0.005"} 1`,
    `openwhisk_action_response_size_bytes_count{${labels}} 1`,
    `openwhisk_action_status{${labels},status="success"} 1`,
    `openwhisk_action_status{${labels},status="developer_error"} 1`,
    'openwhisk_action_limit_concurrent_total{namespace="guest"} 1',
    'openwhisk_action_limit_timed_total{namespace="guest"} 1',
  ])
    assert.ok(lines.includes(line), line)
})

test('H.2: deleted actions go, for everybody who invoked them; too many share one series', () => {
  const registry = new MetricsRegistry()
  const metrics = new UserMetrics(registry, 3)
  const once = { statusCode: 0, durationMs: 1, waitTimeMs: 1 } as const
  metrics.record(HELLO, once)
  metrics.record({ ...HELLO, initiator: 'bob' }, once)
  metrics.record({ ...HELLO, action: 'stays' }, once)
  metrics.record({ ...HELLO, action: 'one too many' }, once)
  metrics.forgetAction('guest', 'pkg/hello')
  const text = linesOf(registry).join('\n')
  assert.ok(!text.includes('pkg/hello'))
  assert.match(text, /action="stays"/)
  assert.match(
    text,
    /activations_total\{namespace="other",initiator="other",action="other",kind="other",memory="other"\} 1/,
  )
})
