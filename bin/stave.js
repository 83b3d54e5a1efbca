#!/usr/bin/env node
/**
 * The `stave` executable. Plain JavaScript without newer syntax, because it is what an old Node gets to parse: it says which Node is needed, switches
 * on the compile cache, and hands over to src/cli/main.ts, which never touches `process` itself.
 */

const NEEDED_MAJOR = 24

if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) {
  process.stderr.write(
    'stave needs Node.js ' +
      NEEDED_MAJOR +
      ' or newer and was started by ' +
      process.versions.node +
      ' (' +
      process.execPath +
      '): ' +
      '`npm ci` brings the right one, then use `npx stave` or `npm start`.\n',
  )
  process.exitCode = 1
} else {
  void import('./start.js').then(function (start) {
    return start.startCommandLine()
  })
}
