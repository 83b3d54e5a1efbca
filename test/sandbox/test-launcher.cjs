'use strict'
/**
 * The smallest launcher that speaks ActionLoop (runtimes/README.md): evaluates the init message's code and calls its `main` for each run.
 * `node test-launcher.cjs [silent|broken]`: never ready, or ended at once with a message, for tests of failing starts.
 */
const fs = require('node:fs')
const readline = require('node:readline')
const { runInThisContext } = require('node:vm')

const answer = (text) => fs.writeSync(3, `${text}\n`)

if (process.argv[2] === 'silent') {
  setInterval(() => undefined, 1000)
} else if (process.argv[2] === 'broken') {
  process.stderr.write('this launcher is broken\n')
  process.exit(3)
} else {
  let main
  const handle = async (line) => {
    try {
      const { value } = JSON.parse(line)
      if (main === undefined) {
        main = runInThisContext(`(function (require) { ${value.code}\nreturn main })`)(require)
        answer('{"ok":true}')
      } else {
        answer(JSON.stringify((await main(value)) ?? {}))
      }
    } catch (error) {
      answer(`!502 ${JSON.stringify({ error: String(error) })}`)
    }
  }
  readline
    .createInterface({ input: process.stdin })
    .on('line', (line) => void handle(line))
    .on('close', () => process.exit(0))
  answer('{"ok":true}')
}
