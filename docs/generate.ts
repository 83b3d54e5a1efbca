/**
 * Writes the generated pages: `npm run docs`. With `--check` it writes nothing and exits with 1 when a page is out of date; the tests compare too.
 * A page is one entry of `PAGES`.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { renderCliPage } from '../src/cli/reference.ts'
import { renderConfigurationReference } from '../src/config/reference.ts'
import { documentText } from '../src/management/api-docs/documents.ts'
import { renderErrorPage } from './error-reference.ts'

interface Page {
  /** Beside this file. */
  readonly file: string
  readonly render: () => string | Promise<string>
}

const PAGES: readonly Page[] = [
  { file: 'configuration.md', render: renderConfigurationReference },
  { file: 'cli.md', render: renderCliPage },
  { file: 'errors.md', render: renderErrorPage },
  { file: 'openapi/rest.swagger.json', render: () => documentText('restSwagger') },
  { file: 'openapi/rest.openapi.json', render: () => documentText('restOpenApi') },
  { file: 'openapi/info.swagger.json', render: () => documentText('infoSwagger') },
]

const check = process.argv.includes('--check')
for (const { file, render } of PAGES) {
  const target = new URL(file, import.meta.url)
  const text = await render()
  if (text === currentText(target)) continue
  if (check) {
    process.stderr.write(`docs/${file} is out of date: run npm run docs\n`)
    process.exitCode = 1
  } else {
    writeFileSync(target, text)
    process.stdout.write(`docs/${file} written\n`)
  }
}

function currentText(target: URL): string | undefined {
  try {
    return readFileSync(target, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
