/** A row of the benchmark: one budget, or a few that are measured together. */

import type { Finding } from './finding.ts'
import type { Workbench } from './workbench.ts'

export interface Row {
  /** As on the command line and in the design. */
  readonly name: string
  /** What is measured, against what. */
  readonly about: string
  /** default: nothing but this machine. `docker`: a Docker Engine on it (docker-rows.ts). */
  readonly needs?: 'docker'
  /** Measures. What it starts belongs to the bench, which is closed after it. Rejects where the row cannot be run here. */
  measure(bench: Workbench): Promise<readonly Finding[]>
}
