/**
 * The number of each invoker, by which OpenWhisk's operators and tools know it: that of a name is given once and kept over restarts of either side, and no
 * two names ever have the same one.
 */

import { readFile, rename, writeFile } from 'node:fs/promises'
import * as v from 'valibot'

export interface InvokerNumbers {
  /** The number of a name. Resolves when it outlives the process; rejects when that cannot be had. */
  numberOf(name: string): Promise<number>
  /** All that were ever given, by name. */
  readonly known: ReadonlyMap<string, number>
}

const fileOfNumbers = v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0)))

/** Reads the numbers of earlier processes. Rejects when the file is there and cannot be understood: numbers must not be given twice. */
export async function openInvokerNumbers(file: string): Promise<InvokerNumbers> {
  const known = new Map(Object.entries(await readNumbers(file)))
  let next = Math.max(-1, ...known.values()) + 1
  /** One write at a time. */
  let written: Promise<void> = Promise.resolve()
  const giving = new Map<string, Promise<number>>()

  async function save(): Promise<void> {
    await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(known)), { flush: true })
    await rename(`${file}.new`, file)
  }

  async function give(name: string): Promise<number> {
    const number = next++
    known.set(name, number)
    written = written.then(save, save)
    try {
      await written
      return number
    } catch (error) {
      // Told to nobody: whoever asks again gets another one.
      known.delete(name)
      throw error
    }
  }

  return {
    known,
    numberOf(name) {
      const given = giving.get(name)
      if (given !== undefined) return given
      const number = known.get(name)
      if (number !== undefined) return Promise.resolve(number)
      const promise = give(name).finally(() => giving.delete(name))
      giving.set(name, promise)
      return promise
    },
  }
}

async function readNumbers(file: string): Promise<Record<string, number>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  try {
    return v.parse(fileOfNumbers, JSON.parse(text))
  } catch (error) {
    throw new Error(`${file} holds no numbers of invokers: restore it, or remove it to number them anew`, {
      cause: error,
    })
  }
}
