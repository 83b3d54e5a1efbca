'use strict'
/** Makes the platform's modules (`openwhisk`) requirable from anywhere, after the action's own, as OpenWhisk's images do by /node_modules. */
const { _initPaths: readNodePath } = require('module')

/** `directory` is a node_modules directory; undefined: they are mounted where Node looks by itself. */
function addModules(directory) {
  if (directory === undefined) return
  // The one way to add to the global search path in a running process; `_initPaths` is how Node itself reads NODE_PATH.
  const before = process.env.NODE_PATH
  process.env.NODE_PATH = before ? `${directory}:${before}` : directory
  readNodePath()
  if (before === undefined) delete process.env.NODE_PATH
  else process.env.NODE_PATH = before
}

module.exports = { addModules }
