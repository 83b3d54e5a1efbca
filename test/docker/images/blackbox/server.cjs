'use strict'
/**
 * The least that a user's own image does: 200 to /init, an object to /run. The run's `value` may ask for what goes wrong in images of users:
 * `print` (text for stdout, no newline added), `sleepMs`, `status`, `raw` (the answer's body as it is), `chunked` (no length), `hangUp` (no answer), `exit` (code of a
 * process that ends without an answer), `megabytes` (of memory that is taken and kept).
 */
const http = require('http')

const kept = []

http
  .createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => answer(request.url, JSON.parse(Buffer.concat(chunks).toString() || '{}'), response))
  })
  .listen(8080)

function answer(url, { value = {}, activation_id: id }, response) {
  if (url === '/init') return response.end('OK')
  if (value.print !== undefined) process.stdout.write(value.print)
  for (let left = value.megabytes ?? 0; left > 0; left--) kept.push(Buffer.alloc(1024 * 1024, 1))
  setTimeout(() => {
    if (value.exit !== undefined) process.exit(value.exit)
    if (value.hangUp) return response.destroy()
    const body = value.raw ?? JSON.stringify({ image: 'blackbox', id, value })
    const length = value.chunked ? {} : { 'Content-Length': Buffer.byteLength(body) }
    response.writeHead(value.status ?? 200, { 'Content-Type': 'application/json', ...length })
    response.write(body)
    response.end()
  }, value.sleepMs ?? 0)
}

process.on('SIGTERM', () => process.exit(0))
