/**
 * Shows one of the two documents. Everything becomes text nodes, never markup, and which document is shown is looked up in a list: nothing of the
 * address gets into the page or chooses what is fetched.
 */

const DOCUMENTS = [
  { name: 'REST API', url: '/api/v1/api-docs' },
  { name: 'Information', url: '/api-docs' },
]

const wanted = new URLSearchParams(location.search).get('url')
const current = DOCUMENTS.find(({ url }) => url === wanted) ?? DOCUMENTS[0]
const content = document.getElementById('content')
const filter = document.getElementById('filter')

/** An element with attributes and children; strings become text. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

function table(heads, rows) {
  const head = el('thead', {}, el('tr', {}, ...heads.map((text) => el('th', {}, text))))
  const body = rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))))
  return el('table', {}, head, el('tbody', {}, ...body))
}

/** `Action`, `[Action]`, `string`: a schema in a word. */
function typeOf(schema) {
  if (schema === undefined) return ''
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1)
  if (schema.type === 'array') return `[${typeOf(schema.items)}]`
  return schema.enum === undefined ? (schema.type ?? 'any') : schema.enum.join(' | ')
}

function operation(api, path, shared, method, { summary, description, parameters = [], responses, security }) {
  const given = [...shared, ...parameters]
  const title = el('summary', {}, el('span', { class: 'method' }, method), path, el('span', { class: 'what' }, summary))
  const rows = given.map((parameter) => [
    el('code', {}, parameter.name),
    parameter.in + (parameter.required === true ? ', required' : ''),
    el('code', {}, typeOf(parameter.schema ?? parameter)),
    parameter.description ?? '',
  ])
  const answers = Object.entries(responses).map(([status, answer]) => {
    const { schema, description: meaning } = answer.$ref === undefined ? answer : api.responses[typeOf(answer)]
    return [status, el('code', {}, typeOf(schema)), meaning]
  })
  const inside = el('div', {}, el('p', {}, description ?? ''))
  if (security === undefined) inside.append(el('p', {}, 'No credentials needed.'))
  if (rows.length > 0) inside.append(table(['parameter', 'in', 'type', ''], rows))
  inside.append(table(['status', 'body', ''], answers))
  return el('details', { 'data-words': `${method} ${path} ${summary}`.toLowerCase() }, title, inside)
}

function definition(name, schema) {
  const required = schema.required ?? []
  const rows = Object.entries(schema.properties ?? {}).map(([key, property]) => [
    el('code', {}, key),
    required.includes(key) ? 'always' : '',
    el('code', {}, typeOf(property)),
    property.description ?? '',
  ])
  const inside = el(
    'div',
    {},
    rows.length > 0 ? table(['field', '', 'type', ''], rows) : el('code', {}, typeOf(schema)),
  )
  return el('details', { 'data-words': name.toLowerCase() }, el('summary', {}, name), inside)
}

function show(api) {
  document.title = api.info.title
  const prefix = api.basePath === '/' ? '' : api.basePath
  const sections = api.tags.map(({ name, description }) => {
    const operations = Object.entries(api.paths).flatMap(([path, { parameters: shared = [], ...methods }]) =>
      Object.entries(methods)
        .filter(([, { tags }]) => tags.includes(name))
        .map(([method, given]) => operation(api, prefix + path, shared, method, given)),
    )
    return el('section', {}, el('h2', {}, name), el('p', {}, description), ...operations)
  })
  const definitions = Object.entries(api.definitions).map(([name, schema]) => definition(name, schema))
  content.replaceChildren(
    el('h1', {}, api.info.title),
    el('p', {}, api.info.description),
    ...sections,
    el('section', {}, el('h2', {}, 'Bodies'), ...definitions),
  )
}

for (const { name, url } of DOCUMENTS) {
  const attributes = { href: `?url=${encodeURIComponent(url)}`, ...(url === current.url && { 'aria-current': 'page' }) }
  document.getElementById('documents').append(el('a', attributes, name))
}
filter.addEventListener('input', () => {
  const word = filter.value.trim().toLowerCase()
  for (const entry of content.querySelectorAll('details')) entry.hidden = !entry.dataset.words.includes(word)
})
try {
  const response = await fetch(current.url, { headers: { Accept: 'application/json' } })
  if (!response.ok) throw new Error(`status ${response.status}`)
  show(await response.json())
} catch (error) {
  content.replaceChildren(el('p', {}, `${current.url} cannot be read: ${error.message}`))
}
