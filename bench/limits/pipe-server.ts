/**
 * What is left of the echo server's rate when an action is a process: `node:http`, a pipe to one child and back, and no platform in between. Requests
 * are written to the child as they come and answered in that order. Prints its port.
 */

import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const evaluator = fileURLToPath(new URL('evaluator.cjs', import.meta.url))
const child = spawn(process.execPath, [evaluator], { stdio: ['pipe', 'inherit', 'inherit', 'pipe'] })
const stdin = child.stdin
const answers = child.stdio[3] as Readable | null
if (stdin === null || answers === null) throw new Error('no pipes')
const waiting: ServerResponse[] = []
let rest = ''
let setUp = 2

const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    waiting.push(res)
    stdin.write(`${Buffer.concat(chunks).toString('latin1')}\n`, 'latin1')
  })
})

answers.setEncoding('latin1').on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    // It says that it is ready, and that it has the code.
    if (setUp > 0) {
      if (--setUp === 0) listen()
      continue
    }
    const res = waiting.shift()
    res?.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': line.length })
    res?.end(line, 'latin1')
  }
})
stdin.write(`${JSON.stringify('function main(args) { return args }')}\n`)
child.once('exit', () => process.exit(1))
process.once('SIGTERM', () => child.kill())

function listen(): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    process.stdout.write(`${JSON.stringify({ port })}\n`)
  })
}
