/** Renders docs/configuration.md from the schema. */

import { rangeText } from './field.ts'
import { KEYS } from './keys.ts'
import type { Key } from './keys.ts'

const INTRODUCTION = `# Configuration

Written by \`npm run docs\` from \`src/config\`; do not edit.

Stave starts without any configuration. A value comes from the last of these that has one:

1. the default below,
2. the configuration file (YAML or JSON), named by \`--config FILE\` or \`STAVE_CONFIG\`,
3. OpenWhisk's variables, \`CONFIG_whisk_…\`, \`LIMITS_…\`, \`RUNTIMES_MANIFEST\` and \`INVOKER_USE_RUNC\`, where there is an equal here,
4. variables, \`STAVE_…\`; an empty one counts as unset,
5. flags.

- Keys are nested in the file: \`limits.timeout.max\` is \`limits: { timeout: { max: 600000 } }\`.
- Each variable also has a form with \`_FILE\` behind its name, which names a file that holds the value: \`STAVE_INTERNAL_TOKEN_FILE=/run/secrets/token\`.
- Objects are JSON in variables and flags: \`STAVE_CONTAINERS_STEM_CELLS='{"nodejs": 4}'\`.
- Lists are JSON or have commas between their items: \`STAVE_DOCKER_DNS=10.0.0.2,10.0.0.3\`.
- Times are in ms or have a unit (\`10 s\`, \`5 minutes\`), sizes are in the unit of their key or have one (\`512 MB\`).
- Paths may start with \`~/\`; relative ones start at the working directory.
- A name that Stave does not know is an error at start, which names the nearest one it knows; a \`CONFIG_whisk_…\` one is a warning.

\`stave config\` prints what is in force and where each value came from.
`

/** The whole page, as Markdown that ends with a newline. Depends on nothing but the schema. */
export function renderConfigurationReference(): string {
  const groups = Map.groupBy(KEYS, groupOf)
  return `${INTRODUCTION}\n${[...groups].map(([group, keys]) => renderGroup(group, keys)).join('\n')}`
}

function groupOf(key: Key): string {
  return key.name.includes('.') ? key.name.slice(0, key.name.indexOf('.')) : 'server'
}

function renderGroup(group: string, keys: readonly Key[]): string {
  return `## ${group}\n\n${keys.map(renderKey).join('\n')}`
}

function renderKey(key: Key): string {
  const { field } = key
  const lines = [
    `- ${field.doc}`,
    `- Default: ${defaultOf(key)}${field.unit === undefined ? '' : ` (${field.unit})`}. Value: ${valueOf(key)}.`,
    ...(field.constraint === undefined ? [] : [`- Constraint: ${field.constraint}.`]),
    `- If it does not fit: ${field.failure}`,
    `- For: ${field.whom}`,
    `- \`${key.variable}\`, \`--${key.flag}\`${field.secret ? '; secret, never shown' : ''}`,
  ]
  return `### \`${key.name}\`\n\n${lines.join('\n')}\n`
}

function defaultOf({ field }: Key): string {
  if (field.default === '') return 'none'
  return `\`${typeof field.default === 'string' ? field.default : JSON.stringify(field.default)}\``
}

function valueOf({ field }: Key): string {
  const { form } = field
  switch (form.type) {
    case 'integer':
      return `a whole number ${rangeText(form.min, form.max)}`
    case 'text':
      return 'text'
    case 'path':
      return form.isPath === undefined ? 'a path' : 'text or a path'
    case 'flag':
      return '`true` or `false`'
    case 'choice':
      return `one of ${form.choices.map((entry) => `\`${entry}\``).join(', ')}`
    case 'amounts':
      return 'an object of whole numbers by name'
    case 'paths':
      return 'an object of absolute paths by name'
    case 'list':
      return 'a list of texts'
    case 'lists':
      break
  }
  return 'an object of lists of texts by name'
}
