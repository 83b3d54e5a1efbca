'use strict'
/** Source text to function, as OpenWhisk's runtime does it: a plain script inside a function, sloppy unless it says otherwise. */
const Module = require('module')
const { join } = require('path')
const { compileFunction, constants } = require('vm')
const { addModules } = require('./modules.cjs')

const { createRequire, _nodeModulePaths: nodeModulePaths } = Module
const { _compile: compileAsModule } = Module.prototype
const OPENING = '(function(){'

/**
 * Evaluates `code` and returns what `main` names: a local of the script (block-scoped or not), a global, else a property of `module.exports` or
 * `exports`. Throws what the code throws, a SyntaxError for module syntax included.
 */
function loadText(code, main, modules) {
  addModules(modules)
  const filename = join(process.cwd(), 'action.js')
  // Two functions: the script may declare names such as `module` of its own. The entry is looked up inside, where block-scoped names are seen.
  const text =
    `return ${OPENING}${code}\n` +
    `;try{return ${main}}catch(e){if(e.name==='ReferenceError')return module.exports.${main}||exports.${main};throw e}})()`
  const module = new Module(filename)
  module.filename = filename
  module.paths = nodeModulePaths(process.cwd())
  const loader = constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER
  // Before Node 20.12 vm has no loader to lend for `import()`; the CommonJS loader's own compiler has, but shifts the columns of the first line.
  if (loader === undefined) return compileAsModule.call(module, text, filename)
  const evaluate = compileFunction(text, ['exports', 'require', 'module', '__filename', '__dirname'], {
    filename,
    columnOffset: -`return ${OPENING}`.length,
    importModuleDynamically: loader,
  })
  return evaluate.call(globalThis, module.exports, createRequire(filename), module, filename, process.cwd())
}

module.exports = { loadText }
