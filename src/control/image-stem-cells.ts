/**
 * Stem cells for images of users. Nobody plans them as a manifest does for kinds, so they follow what is started: an image of which containers are
 * started often has some waiting, by OpenWhisk's reactive rule for kinds; one that is not started any more loses them after their time to live.
 */

import type { StemCellSetting } from '../model/manifest.ts'
import { isLatest } from '../model/image-reference.ts'
import type { ActionRequirements } from './pool-protocol.ts'
import { MEMORY } from './resources.ts'
import type { StemCellPlan, WantedCells } from './stem-cells.ts'
import { onlyMemory, reactiveCount } from './stem-cells.ts'

export interface ImageStemCellSettings {
  /** The rule for each image: how many cells its starts between two checks call for, and how long an unused one stays. */
  readonly reactive: NonNullable<StemCellSetting['reactive']>
  /** What all cells of images together may reserve, in MB. */
  readonly memoryMb: number
}

/** Images that are remembered; those that were not started for longest are forgotten first, with their cells. */
const REMEMBERED_IMAGES = 256

interface Remembered {
  readonly plan: StemCellPlan
  starts: number
  wanted: number
}

export class ImageStemCells {
  #settings: ImageStemCellSettings
  /** In the order of their last start. */
  readonly #images = new Map<string, Remembered>()

  constructor(settings: ImageStemCellSettings) {
    this.#settings = settings
  }

  /** Puts other settings in force; what is known of the images stays. */
  reconfigure(settings: ImageStemCellSettings): void {
    this.#settings = settings
  }

  /**
   * A container of a user's image was begun because the action was called, or a stem cell taken: one start more. Those that are taken over or replaced are
   * nobody's calls. More cells are wanted at once, fewer only after a check. Actions of kinds, and those that need more than memory, change nothing.
   */
  noteStart(action: ActionRequirements, resizable: boolean): void {
    if (action.kind !== 'blackbox' || !onlyMemory(action.resources)) return
    const { reactive } = this.#settings
    const key = keyOf(action, resizable)
    const image = this.#images.get(key) ?? { plan: planOf(action, reactive), starts: 0, wanted: 0 }
    this.#images.delete(key)
    this.#images.set(key, image)
    image.starts++
    image.wanted = Math.max(image.wanted, reactiveCount(reactive, image.starts))
    if (this.#images.size <= REMEMBERED_IMAGES) return
    const [longestAgo] = this.#images.keys()
    if (longestAgo !== undefined) this.#images.delete(longestAgo)
  }

  /** What was started since the last check tells what is wanted until the next one. Images that nobody started in two such times are forgotten. */
  check(): void {
    for (const [key, image] of this.#images) {
      if (image.starts === 0 && image.wanted === 0) this.#images.delete(key)
      image.wanted = reactiveCount(this.#settings.reactive, image.starts)
      image.starts = 0
    }
  }

  /**
   * A cell of the plan could not be started: none is tried before the image was started often enough again by those who call it. False when the plan is
   * none of an image's.
   */
  forget(plan: StemCellPlan): boolean {
    for (const [key, image] of this.#images) if (image.plan === plan) return this.#images.delete(key)
    return false
  }

  /** Each remembered image with the cells that are wanted of it now, the last started first. */
  wanted(): readonly WantedCells[] {
    return [...this.#images.values()].toReversed()
  }

  /** How many more cells of the plan there may be beside cells of images that reserve `heldMb`. */
  roomFor(plan: StemCellPlan, heldMb: number): number {
    return Math.max(0, Math.floor((this.#settings.memoryMb - heldMb) / plan.memoryMb))
  }
}

/** Cells of one key are interchangeable. */
function keyOf(action: ActionRequirements, resizable: boolean): string {
  const { actionKey, image, concurrency, resources } = action
  const memory = resizable ? 'any' : (resources[MEMORY] ?? 0)
  return `${image} ${memory} ${concurrency > 1} ${isLatest(image) ? actionKey : ''}`
}

/**
 * Behind a name that can be given another image any time there may be a newer one by the time that an action is updated: a cell serves the very revision
 * whose starts it was begun for, so that no revision runs on an older image than its first start found.
 */
function planOf(action: ActionRequirements, reactive: ImageStemCellSettings['reactive']): StemCellPlan {
  const { actionKey, kind, image, concurrency, resources } = action
  return {
    kind,
    image,
    memoryMb: resources[MEMORY] ?? 0,
    initialCount: 0,
    concurrent: concurrency > 1,
    ...(isLatest(image) && { actionKey }),
    reactive,
  }
}
