/** What a row works with: processes and directories that are gone when the row has ended, however it ended. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Peers } from '../limits/peers.ts'
import type { Child, ChildOptions } from './child.ts'
import { startChild } from './child.ts'

export interface WorkbenchOptions {
  /** Directory of the project. */
  readonly root: string
  /** Fewer and shorter rounds: a look, not a result. */
  readonly quick: boolean
  /** Other platforms to run in the same rounds. */
  readonly peers: Peers | undefined
  /** The environment of the processes that are started. */
  readonly env: NodeJS.ProcessEnv
  /** For `DOCKER_HOST`; undefined where rows that need an engine are not measured. */
  readonly dockerHost: string | undefined
  /** Shows what is being done. */
  readonly progress: (text: string) => void
}

export class Workbench {
  readonly options: WorkbenchOptions
  readonly #cleanups: (() => Promise<void> | void)[] = []
  readonly #children = new Set<Child>()
  #closed = false

  constructor(options: WorkbenchOptions) {
    this.options = options
  }

  get quick(): boolean {
    return this.options.quick
  }

  progress(text: string): void {
    this.options.progress(text)
  }

  /** The shorter of two amounts where only a look is wanted. */
  amount(whole: number, quick: number): number {
    return this.quick ? quick : whole
  }

  /** A new private directory. Throws when the row has ended. */
  directory(): string {
    this.#checkOpen()
    const path = mkdtempSync(join(tmpdir(), 'stave-bench-'))
    this.defer(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }))
    return path
  }

  /** Starts a process; it is stopped with the row. Rejects when it cannot be started, or the row has ended. */
  async start(file: string, args: readonly string[], options: Partial<ChildOptions> = {}): Promise<Child> {
    this.#checkOpen()
    const child = await startChild(file, args, { env: this.options.env, ...options })
    this.#children.add(child)
    this.defer(async () => {
      await child.stop()
      this.#children.delete(child)
    })
    return child
  }

  /** Starts a Node process on a file of this repository. */
  node(file: string, args: readonly string[] = [], options: Partial<ChildOptions> = {}): Promise<Child> {
    return this.start(process.execPath, [join(this.options.root, file), ...args], options)
  }

  /** Runs when the row has ended, the latest first. */
  defer(cleanup: () => Promise<void> | void): void {
    this.#cleanups.push(cleanup)
  }

  /** Ends what the row started. Rejects with the first failure after everything has been tried. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    const failures: unknown[] = []
    for (const cleanup of this.#cleanups.splice(0).toReversed()) {
      try {
        await cleanup()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** An interrupted row must not start what nobody would end. */
  #checkOpen(): void {
    if (this.#closed) throw new Error('the row was ended')
  }

  /** Kills what is still there; for the end of this process, when nothing can be waited for. */
  killAll(): void {
    for (const child of this.#children) child.kill()
  }
}
