/** Parses option values that are whole numbers. */

import { InvalidArgumentError } from 'commander'

/** For commander: a whole number of at least 0, else the usage error that names the option. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
