import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPauseModel } from '../../test/pause-model.ts'
import { createPause } from '../containers/pause/falling-back-pause.ts'
import { MetricsRegistry } from '../telemetry/metrics.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { observePause } from './pause-metrics.ts'

test('S2-15: the strategy in force, and failures by strategy, can be seen', async () => {
  const model = createPauseModel()
  const pause = createPause({
    strategies: [model.strategy('runc'), model.strategy('docker')],
    chosen: 'runc',
    unusable: new Map(),
    isFrozen: () => undefined,
    log: silentLogger,
  })
  const metrics = new MetricsRegistry()
  observePause(pause, metrics)
  const shown = (): readonly string[] => metrics.render().split('\n')
  assert.ok(shown().includes('stave_docker_pause_strategy{strategy="runc"} 1'))
  model.nextFault = (name) => (name === 'runc' ? 'node' : 'none')
  const target = { containerId: 'a', pid: 1 }
  await assert.rejects(pause.suspend(target))
  await pause.suspend(target)
  const lines = shown()
  for (const line of [
    'stave_docker_pause_strategy{strategy="runc"} 0',
    'stave_docker_pause_strategy{strategy="docker"} 1',
    'stave_docker_pauses_total{event="suspends"} 1',
    'stave_docker_pauses_total{event="fallBacks"} 1',
    'stave_docker_pause_failures_total{call="suspend",strategy="runc"} 1',
  ])
    assert.ok(lines.includes(line), `${line} is not in ${lines.join('\n')}`)
})
