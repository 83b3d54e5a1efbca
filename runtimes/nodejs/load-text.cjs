'use strict'
/** Source text to function, as OpenWhisk's runtime does it: a plain script inside a function, sloppy unless it says otherwise. */
const { createRequire } = require('module')
const { join } = require('path')
const { compileFunction, constants } = require('vm')
const { addModules } = require('./modules.cjs')

const OPENING = '(function(){'

/**
 * Evaluates `code` and returns what `main` names: a local of the script (block-scoped or not), a global, else a property of `module.exports` or
 * `exports`. Throws what the code throws, a SyntaxError for module syntax included.
 */
function loadText(code, main, modules) {
  addModules(modules)
  const filename = join(process.cwd(), 'action.js')
  const require = createRequire(filename)
  const module = { exports: {}, id: filename, filename, loaded: false, children: [], paths: [], require }
  // Two functions: the script may declare names such as `module` of its own. The entry is looked up inside, where block-scoped names are seen.
  const text =
    `return ${OPENING}${code}\n` +
    `;try{return ${main}}catch(e){if(e.name==='ReferenceError')return module.exports.${main}||exports.${main};throw e}})()`
  const evaluate = compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'], {
    filename,
    columnOffset: -`return ${OPENING}`.length,
    importModuleDynamically:
      constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER ?? ((specifier) => import(resolved(require, specifier))),
  })
  return evaluate.call(globalThis, module.exports, require, module, filename, process.cwd())
}

/** `import()` where vm has no loader of its own to lend (before Node 20.12). */
function resolved(require, specifier) {
  if (/^(?:node|file|data):/.test(specifier)) return specifier
  const found = require.resolve(specifier)
  return found.startsWith('/') ? require('url').pathToFileURL(found).href : found
}

module.exports = { loadText }
