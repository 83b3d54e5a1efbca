/** Holds the documents to the code: commands and flags that exist, links that lead somewhere, figures that can be drawn, messages that the sources have. */

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, test } from 'node:test'
import { REFUSALS, renderErrorPage, SHOWN_TEXTS } from '../docs/error-reference.ts'
import { KEYS } from '../src/config/keys.ts'
import { HOST_PROFILES } from '../src/config/sections/docker.ts'
import { EXTRA_ARGUMENTS } from '../src/containers/docker/extra-arguments.ts'
import { GUEST_KEY } from '../src/cli/connection.ts'
import { CHECK_CODES } from '../src/model/check-codes.ts'
import { wholeProgram } from '../src/cli/reference.ts'
import { faults, shellWords, staveCalls } from './shown-commands.ts'

const pages = [...globSync('*.md'), ...globSync('docs/*.md'), ...globSync('{src,runtimes}/**/README.md')].sort()
const texts = new Map(pages.map((page) => [page, readFileSync(page, 'utf8')]))
const sources = globSync(['src/**/*.ts', 'runtimes/**/*.{cjs,py}', 'bin/*.js'])
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => readFileSync(file, 'utf8'))
// String literals that a line break splits (`'…' +\n '…'`) are read as one.
const code = comparable(sources.join('\n').replaceAll(/['`]\s*\+\s*['`]/g, ''))

interface Fence {
  readonly page: string
  readonly language: string
  readonly lines: readonly string[]
}

const fences: readonly Fence[] = [...texts].flatMap(([page, text]) =>
  [...text.matchAll(/^[ \t]*```(\w*)\n([\s\S]*?)^[ \t]*```$/gm)].map(([, language = '', body = '']) => ({
    page,
    language,
    lines: body.split('\n').filter((line) => line.trim() !== ''),
  })),
)

describe('commands', () => {
  const scripts: Readonly<Record<string, string>> = JSON.parse(readFileSync('package.json', 'utf8')).scripts

  test('every stave command and flag in a sh block exists', async () => {
    const program = await wholeProgram()
    const calls = fences
      .filter(({ language }) => language === 'sh')
      .flatMap(({ page, lines }) => staveCalls(lines).map((words) => ({ page, words, found: faults(program, words) })))
    assert.ok(calls.length > 20, `only ${calls.length} commands were found`)
    assert.deepEqual(
      calls.filter(({ found }) => found.unknown.length > 0 || found.count !== undefined),
      [],
    )
  })

  test('every stave command and flag in running text exists', async () => {
    const program = await wholeProgram()
    const wrong = [...texts].flatMap(([page, text]) =>
      [...withoutBlocks(text).matchAll(/`(?:npx )?stave ([a-z][^`]*)`/g)]
        .map(([, call = '']) => ({
          page,
          call,
          unknown: faults(program, shellWords(call.replaceAll('…', ''))).unknown,
        }))
        .filter(({ unknown }) => unknown.length > 0),
    )
    assert.deepEqual(wrong, [])
  })

  test('every npm script in a sh block exists', () => {
    const wanted = fences
      .filter(({ language }) => language === 'sh')
      .flatMap(({ lines }) =>
        lines.flatMap((line) =>
          [...line.matchAll(/\bnpm (?:run )?([a-z]+(?::[a-z]+)*)/g)].map(([, name = '']) => name),
        ),
      )
      .filter((name) => !['ci', 'install'].includes(name))
    assert.ok(wanted.includes('start') && wanted.includes('test'))
    assert.deepEqual(
      wanted.filter((name) => scripts[name] === undefined),
      [],
    )
  })

  test('variables and keys of the configuration that are named exist', () => {
    const variables = new Set(KEYS.flatMap(({ variable }) => [variable, `${variable}_FILE`]).concat('STAVE_CONFIG'))
    const groups = new Set(KEYS.map(({ name }) => name.split('.')[0] ?? '').filter((name) => name !== ''))
    const names = new Set(KEYS.flatMap(({ name }) => prefixes(name)))
    const unknown = [...texts].flatMap(([page, text]) =>
      [
        ...[...text.matchAll(/\bSTAVE_[A-Z_]+\b/g)]
          .map(([name]) => name)
          .filter((name) => !variables.has(name) && !name.endsWith('_')),
        ...[...text.matchAll(/`([a-z]+)\.([A-Za-z.]+)(?::[^`]*)?`/g)]
          .filter(([, group = '']) => groups.has(group))
          .map(([, group = '', rest = '']) => `${group}.${rest}`)
          .filter((name) => !names.has(name) && !/\.(?:ts|cjs|js|md|py|db|json|exit)$/.test(name)),
      ].map((name) => `${page}: ${name}`),
    )
    assert.deepEqual(unknown, [])
  })

  test('the well-known key in the README is the one that the server has', () => {
    const shown = [...(texts.get('README.md') ?? '').matchAll(/[0-9a-f]{8}-[0-9a-f-]{27}:\w{64}/g)].map(([key]) => key)
    assert.ok(shown.length > 0)
    assert.deepEqual([...new Set(shown)], [GUEST_KEY])
  })
})

describe('links', () => {
  test('every relative link leads to a file, and to a heading of it', () => {
    const broken = [...texts].flatMap(([page, text]) =>
      [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target))
        .map((target) => `${page}: ${target}`),
    )
    assert.deepEqual(broken, [])
  })
})

describe('figures', () => {
  const figures = fences.filter(({ language }) => language === 'mermaid')

  test('S4-87: the four figures are there', () => {
    const architecture = texts.get('ARCHITECTURE.md') ?? ''
    for (const figure of [
      'with a cluster manager',
      "today's deployment",
      'management, control and data plane',
      'cold-start flow',
    ]) {
      assert.match(architecture, new RegExp(`### Figure \\d: ${figure}\n[\\s\\S]*?\`\`\`mermaid`))
    }
  })

  test('each line of a figure has a form that its type of diagram knows', () => {
    assert.ok(figures.length >= 4)
    const wrong = figures.flatMap(({ page, lines }) => unfitLines(lines).map((line) => `${page}: ${line}`))
    assert.deepEqual(wrong, [])
  })
})

describe('messages', () => {
  test('docs/errors.md is what docs/error-reference.ts says; run npm run docs', () => {
    assert.equal(texts.get('docs/errors.md'), renderErrorPage())
  })

  test('the error reference has the statuses that the sources refuse with', () => {
    const thrown = new Map<string, Set<number>>()
    for (const [, name = '', status] of code.matchAll(/refusal\(\s*’([A-Z_]+)’,\s*(\d{3})/g)) {
      thrown.set(name, (thrown.get(name) ?? new Set()).add(Number(status)))
    }
    for (const [name, { statuses, unused = false }] of Object.entries(REFUSALS)) {
      const found = [...(thrown.get(name) ?? [])].sort((one, other) => one - other)
      assert.deepEqual(found, unused ? [] : statuses, name)
    }
  })

  test('every text of the error reference is in the sources', () => {
    const shown = [...Object.values(REFUSALS).flatMap((entry) => entry.texts ?? []), ...SHOWN_TEXTS]
    assert.deepEqual(
      shown.filter((text) => !isInSources(text)),
      [],
    )
  })

  test('S1-7: every code has a section of the troubleshooting guide, and every section a code that is used', () => {
    const codes = Object.keys(CHECK_CODES)
    const sections = [...(texts.get('docs/troubleshooting.md') ?? '').matchAll(/^### (OW\d+)$/gm)].map(
      ([, name]) => name,
    )
    assert.deepEqual(sections, codes)
    const used = new Set([...code.matchAll(/\bOW\d{3}\b/g)].map(([name]) => name))
    assert.deepEqual([...used].toSorted(), codes)
    // Beyond the catalogue itself.
    assert.deepEqual(
      codes.filter((name) => code.split(name).length < 3),
      [],
    )
  })

  test('S0-30, S1-12: the guide to Docker has the paths and the message that people search for', () => {
    const guide = texts.get('docs/docker.md') ?? ''
    for (const text of [
      '/sys/fs/cgroup',
      '/run/runc',
      '/var/lib/docker/containers',
      '/var/run/docker.sock',
      'mkdir /usr/lib/x86_64-linux-gnu: read-only file system',
      'json: cannot unmarshal object into Go value of type []string',
    ])
      assert.ok(guide.includes(text), text)
    for (const name of EXTRA_ARGUMENTS) assert.ok(guide.includes(`\`${name}\``), name)
    for (const profile of HOST_PROFILES) assert.ok(guide.includes(`\`${profile}\``), profile)
  })

  test('every message in the troubleshooting guide is in the sources', () => {
    const shown = fences.filter(({ page, language }) => page === 'docs/troubleshooting.md' && language === 'text')
    assert.ok(shown.length > 15)
    assert.deepEqual(
      shown.flatMap(({ lines }) => lines).filter((line) => !isInSources(line)),
      [],
    )
  })
})

/** Forms of lines by type of diagram: those of mermaid's grammar that these documents use. */
const NODE = String.raw`\w+(?:\[\(?[^\[\]()]+\)?\])?`
const FORMS: Readonly<Record<string, readonly RegExp[]>> = {
  flowchart: [
    new RegExp(`^${NODE}(?: (?:-->|-\\.->)(?:\\|[^|]+\\|)? ${NODE})*$`),
    /^subgraph \w+\[[^\]]+\]$/,
    /^end$/,
    /^direction (?:LR|TB)$/,
  ],
  sequenceDiagram: [
    /^(?:participant|actor) \w+(?: as .+)?$/,
    /^\w+(?:->>|-->>)[+-]?\w+: .+$/,
    /^Note (?:over|left of|right of) \w+(?:,\w+)?: .+$/,
    /^(?:alt|else|opt|loop|par|and)(?: .+)?$/,
    /^end$/,
  ],
  'stateDiagram-v2': [/^(?:\w+|\[\*\]) --> (?:\w+|\[\*\])(?: : .+)?$/],
}
const OPENS = /^\s*(?:subgraph|alt|opt|loop|par)\b/

/** Lines of a figure that its type of diagram does not have; the first line where that type is not known or a block is left open. */
function unfitLines([first = '', ...rest]: readonly string[]): readonly string[] {
  const forms = FORMS[first.trim().split(' ')[0] ?? '']
  if (forms === undefined) return [first]
  const opened = rest.filter((line) => OPENS.test(line)).length
  const closed = rest.filter((line) => line.trim() === 'end').length
  const unfit = rest.filter((line) => !forms.some((form) => form.test(line.trim())))
  return opened === closed ? unfit : [...unfit, first]
}

/** Every placeholder `…` stands for what the sources fill in. */
function isInSources(text: string): boolean {
  return text.split('…').every((part) => code.includes(comparable(part.trim())))
}

/** Quotes are escaped in some literals and typographic in others: neither matters to a reader who searches. */
function comparable(text: string): string {
  return text.replaceAll(/\\(['"`])/g, '$1').replaceAll("'", '’')
}

function prefixes(name: string): readonly string[] {
  const parts = name.split('.')
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'))
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^[ \t]*```[\s\S]*?^[ \t]*```$/gm, '')
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replaceAll(/`[^`\n]*`/g, '')
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(file)) return false
  return anchor === undefined || headingsOf(readFileSync(file, 'utf8')).includes(anchor)
}

/** Anchors as GitHub makes them of headings. */
function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
