/** The platform's version, as package.json has it, and of when this copy of it is. */

import { statSync } from 'node:fs'
import packageJson from '../../package.json' with { type: 'json' }

export const VERSION: string = packageJson.version

/** There is no build: the time at which the files were put where they are. ISO 8601, because OpenWhisk's clients look for a date. */
export const INSTALLED_AT: string = statSync(new URL('../../package.json', import.meta.url)).mtime.toISOString()
