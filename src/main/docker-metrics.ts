/** What there is to measure of containers on a Docker Engine, besides what every provider has. */

import type { DockerContainerFactory } from '../containers/docker/docker-container-factory.ts'
import type { ImageCollector } from '../containers/docker/image-collector.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'

/** Registers all of it; read at scrape time. */
export function observeDocker(
  factory: DockerContainerFactory,
  collector: ImageCollector,
  metrics: MetricsRegistry,
): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.observe('gauge', name, help, () => [{ labels: {}, value: read() }])
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.observe('counter', name, help, () => [{ labels: {}, value: read() }])
  const { counters } = factory.images

  gauge('stave_docker_engine_up', 'Whether the Docker Engine answers.', () => (factory.problem() === undefined ? 1 : 0))
  counter('stave_docker_engine_losses_total', 'Times that the engine went away.', () => factory.metrics.engineLosses)
  counter(
    'stave_docker_adoptions_total',
    'Containers taken over from an earlier process.',
    () => factory.metrics.adopted,
  )
  gauge('stave_docker_pulls', 'Pulls of images under way.', () => factory.pulls().length)
  metrics.observe('counter', 'stave_docker_images_total', 'Pulls and removals of images, and failures of them.', () =>
    Object.entries({
      pulls: counters.pulls,
      pullFailures: counters.pullFailures,
      removed: collector.counters.removed,
      removalFailures: collector.counters.failures,
    }).map(([event, value]) => ({ labels: { event }, value })),
  )
  metrics.observe(
    'gauge',
    'stave_docker_images_disk_percent',
    'Use of the disk of the images, where it can be seen.',
    () => (collector.usedPercent === undefined ? [] : [{ labels: {}, value: collector.usedPercent }]),
  )
}
