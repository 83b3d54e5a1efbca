const EXTENSIONS = ['.html', '.http', '.json', '.svg', '.text']

/**
 * Returns the URL that invokes an action or fires a trigger of the caller's namespace.
 *
 * @param {string} args.path name of the action or trigger, `name` or `package/name`; without it the URL of all of them
 * @param {boolean} args.web true for the URL of a web action
 * @param {string} args.ext extension of a web action
 * @param {boolean} args.trigger true for a trigger
 */
function main({ path, web, ext, trigger }) {
  if (web === true && trigger) return { error: 'triggers are not allowed for web actions.' }
  if (web === true && ext && !EXTENSIONS.includes(ext)) {
    const known = EXTENSIONS.map((extension) => `"${extension}"`).join(', ')
    return { error: `extension for web action must be one of [${known}].` }
  }
  if (trigger && path?.includes('/')) return { error: 'triggers are not allowed in packages.' }

  const { __OW_API_HOST: host, __OW_NAMESPACE: namespace } = process.env
  if (web === true) {
    const base = `${host}/api/v1/web/${namespace}`
    if (!path) return { url: base }
    return { url: `${base}/${path.includes('/') ? path : `default/${path}`}${ext || ''}` }
  }
  const base = `${host}/api/v1/namespaces/${namespace}/${trigger === true ? 'triggers' : 'actions'}`
  return { url: path ? `${base}/${path}` : base }
}
