/** What anybody may ask without credentials: is it alive, what can it run, within which limits. */

import type { RuntimesManifest } from '../model/manifest.ts'
import { formatImage } from '../model/manifest.ts'
import type { SystemLimits } from '../model/limits.ts'

/** Which build answers: shown by `wsk property get`. */
export interface BuildInfo {
  /** ISO 8601: when it was built, or put where it runs. */
  readonly date: string
  readonly number: string
}

const BYTES_PER_MB = 1024 * 1024

/** JSON text of `GET /`: wskdeploy reads limits and runtimes from it. Durations in ms, sizes in bytes. */
export function infoDocument(manifest: RuntimesManifest, limits: SystemLimits): string {
  const ranges = (prefix: string): Record<string, number> => ({
    [`${prefix}min_action_duration`]: limits.timeoutMs.min,
    [`${prefix}max_action_duration`]: limits.timeoutMs.max,
    [`${prefix}min_action_memory`]: limits.memoryMb.min * BYTES_PER_MB,
    [`${prefix}max_action_memory`]: limits.memoryMb.max * BYTES_PER_MB,
    [`${prefix}min_action_logs`]: limits.logsMb.min * BYTES_PER_MB,
    [`${prefix}max_action_logs`]: limits.logsMb.max * BYTES_PER_MB,
  })
  const runtimes: Record<string, unknown[]> = {}
  for (const kind of manifest.kinds) {
    runtimes[kind.family] ??= []
    runtimes[kind.family]?.push({
      kind: kind.kind,
      image: formatImage(kind.image),
      deprecated: kind.deprecated,
      default: kind.default,
      attached: kind.attached,
      requireMain: kind.requireMain,
    })
  }
  return JSON.stringify({
    description: 'OpenWhisk',
    support: { github: 'https://github.com/apache/openwhisk/issues', slack: 'http://slack.openwhisk.org' },
    api_paths: ['/api/v1'],
    limits: {
      actions_per_minute: limits.invocationsPerMinute,
      triggers_per_minute: limits.firesPerMinute,
      concurrent_actions: limits.concurrentInvocations,
      sequence_length: limits.sequenceLength,
      ...ranges('default_'),
      ...ranges(''),
    },
    runtimes,
  })
}

/** JSON text of `GET /api/v1`. */
export function apiDocument(build: BuildInfo): string {
  return JSON.stringify({
    description: 'OpenWhisk API',
    api_version: '1.0.0',
    api_version_path: 'v1',
    build: build.date,
    buildno: build.number,
    swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
  })
}
