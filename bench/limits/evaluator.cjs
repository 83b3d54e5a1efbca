'use strict'
/**
 * The least that a runtime can be, as the limit of cold starts: a process that evaluates its first line and runs each further one through the
 * function `main` that it defined. Lines in on standard input, lines out on descriptor 3. It says `ready` when it can be written to.
 */
const { writeSync } = require('fs')
const { Socket } = require('net')
const { runInThisContext } = require('vm')

let main
let rest = ''
const socket = new Socket({ fd: 0, readable: true, writable: false })
socket.setEncoding('utf8')
socket.on('data', (text) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop()
  for (const line of lines) {
    if (main === undefined) {
      main = runInThisContext(`(function () { ${JSON.parse(line)}\nreturn main })`)()
      writeSync(3, 'ok\n')
    } else writeSync(3, `${JSON.stringify(main(JSON.parse(line)))}\n`)
  }
})
socket.on('end', () => process.exit(0))
writeSync(3, 'ready\n')
