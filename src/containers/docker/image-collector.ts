/**
 * Keeps the disk of the images from filling up: above a high-water mark, images that were pulled for users go, the longest unused first, until the low-water
 * mark. Images of kinds, and those that somebody else brought, stay. Which were pulled is remembered in a file, so that a restart forgets none.
 */

import * as v from 'valibot'
import type { Cancel, Clock, Timers } from '../../model/clock.ts'
import type { EngineClient } from './engine-client.ts'
import { EngineError } from './engine-transport.ts'
import { openFileMap } from './file-map.ts'
import type { DockerLog, ImageSettings } from './settings.ts'

export interface ImageCollector {
  /** Counters only grow. */
  readonly counters: { removed: number; failures: number }
  /** Use of the disk in percent when it was looked at last; undefined where it cannot be seen from here. */
  readonly usedPercent: number | undefined
  /** An image is about to be run, or was just pulled. */
  used(image: string, pulled: boolean): void
  /** Looks, and removes where it is necessary. Never rejects. */
  collect(): Promise<void>
  start(): void
  /** Resolves when the list of pulled images is written. Idempotent. */
  stop(): Promise<void>
}

export interface ImageCollectorOptions {
  readonly client: Pick<EngineClient, 'listImages' | 'removeImage'>
  readonly settings: Pick<ImageSettings, 'highWaterPercent' | 'lowWaterPercent'>
  /** Share of the image store's disk that is in use, in percent; rejects or resolves undefined where that cannot be told. */
  readonly diskUsedPercent: () => Promise<number | undefined>
  /** Images that are not removed: those of kinds, and those that a container is being made of. */
  readonly isKept: (image: string) => boolean
  /** File of the images that were pulled. */
  readonly file: string
  readonly clock: Clock
  readonly timers: Timers
  readonly log: DockerLog
}

const INTERVAL_MS = 600_000
const IN_USE = 409

/** Reads what was pulled before. A file that cannot be read counts as empty: then fewer images are removed, not more. */
export async function openImageCollector(options: ImageCollectorOptions): Promise<ImageCollector> {
  const { client, settings, diskUsedPercent, isKept, file, clock, timers, log } = options
  /** Image to ms since the epoch of its last use. */
  const pulledList = await openFileMap(file, v.number(), log)
  const pulledImages = pulledList.entries
  const counters = { removed: 0, failures: 0 }
  let usedPercent: number | undefined
  let cancel: Cancel | undefined
  let collecting: Promise<void> | undefined
  /** Pulled last: who asked for it may have given up waiting, and is going to come back for it. */
  let newest: string | undefined

  async function collectOnce(): Promise<void> {
    usedPercent = await diskUsedPercent().catch(() => undefined)
    if (usedPercent === undefined || usedPercent < settings.highWaterPercent || settings.highWaterPercent >= 100) return
    await forgetAbsent()
    for (const [image] of [...pulledImages].toSorted(([, a], [, b]) => a - b)) {
      if (isKept(image) || image === newest) continue
      if (!(await remove(image))) continue
      usedPercent = await diskUsedPercent().catch(() => undefined)
      if (usedPercent === undefined || usedPercent < settings.lowWaterPercent) return
    }
  }

  /** Images that somebody else has removed make no room. One that is named by its digest bears no tag: it is found out when it is removed. */
  async function forgetAbsent(): Promise<void> {
    const tags = new Set((await client.listImages()).flatMap((image) => image.tags))
    for (const image of pulledImages.keys()) {
      if (!image.includes('@') && !tags.has(tagged(image))) pulledImages.delete(image)
    }
  }

  async function remove(image: string): Promise<boolean> {
    try {
      await client.removeImage(image)
      pulledImages.delete(image)
      pulledList.save()
      counters.removed++
      log.info({ image, usedPercent }, `removed the image ${image}: the disk of the images is ${usedPercent} % full`)
      return true
    } catch (error) {
      // A container runs it.
      if (error instanceof EngineError && error.status === IN_USE) return false
      counters.failures++
      log.warn({ image, error }, `the image ${image} could not be removed`)
      return false
    }
  }

  function collect(): Promise<void> {
    collecting ??= collectOnce()
      .catch((error: unknown) => log.warn({ error }, 'images could not be looked through'))
      .finally(() => (collecting = undefined))
    return collecting
  }

  function schedule(): void {
    cancel = timers.after(INTERVAL_MS, () => void collect().finally(schedule))
  }

  return {
    counters,
    get usedPercent() {
      return usedPercent
    },
    used(image, pulled) {
      if (!pulled && !pulledImages.has(image)) return
      pulledImages.set(image, clock.now())
      if (!pulled && newest === image) newest = undefined
      if (!pulled) return
      newest = image
      pulledList.save()
      void collect()
    },
    collect,
    start() {
      if (cancel !== undefined) return
      void collect()
      schedule()
    },
    stop() {
      cancel?.()
      cancel = undefined
      return pulledList.saved()
    },
  }
}

/** The name as the engine lists it. */
function tagged(image: string): string {
  const name = image.replace(/^(docker\.io\/)?(library\/)?/, '')
  return name.includes(':', name.lastIndexOf('/') + 1) ? name : `${name}:latest`
}
