'use strict'
/**
 * What a container made of the image runs: OpenWhisk's HTTP contract (`POST /init`, `POST /run`) in front of an action. See ../README.md for what it says beyond
 * that contract.
 *
 *     node http-front.cjs [MODULES]
 *
 * Listens on port 8080, or where RUNTIME_LISTEN says: a port, `host:port` or the path of a unix socket.
 */
const http = require('http')
const { collectGarbage } = require('./garbage-collection.cjs')
const { readBody } = require('./http-body.cjs')
const { writeFully } = require('./line-channel.cjs')
const { prepareProcess } = require('./prepare-process.cjs')
const { watchDirectOutput } = require('./direct-output.cjs')

const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n'
/** Idle connections that a request may just be coming in on are given this long to hear that the container is going. */
const LINGER_MS = 250
/** An init of this many bytes leaves garbage that an idle process would keep until its next allocation. */
const LARGE_INIT = 256 * 1024
/** Idle connections are never closed here, and whoever made one may know: a container that was suspended is asked on the one that there is. */
const KEPT = { 'Keep-Alive': 'timeout=86400' }
/** On the answer of a run that printed nothing, with and without sentinels. */
const WITH_END = { 'X-Stave-Output': 'none' }
const WITHOUT_END = { ...WITH_END, 'X-Stave-Silent': '1' }
const BAD_REQUEST = '{"error":"Bad request."}'
const SHUTTING_DOWN = '{"error":"The action container is shutting down."}'

// User code may replace any of these; the contract must go on.
const { parse } = JSON
const { byteLength } = Buffer
const exit = process.exit.bind(process)

function main() {
  const { RUNTIME_LISTEN: listen = '8080' } = process.env
  delete process.env.RUNTIME_LISTEN
  const { action, storage, turn } = prepareProcess(process.argv[2])
  const direct = watchDirectOutput()
  // Where runs do not overlap, what is printed belongs to the run whose sentinel comes next.
  if (turn !== undefined) turn.store = { id: undefined, printed: false, open: { 1: false, 2: false } }
  const connections = new Set()
  let underWay = 0
  let stopping = false

  /**
   * Ends the output of a run, or of an init that failed, and tells by the result whether there was none. `optional`: then it needs no end: two lines a run are
   * work for whoever keeps the log.
   */
  function endOutput(store, optional) {
    const silent =
      store !== undefined && !store.printed && !direct.possible && (turn !== undefined || action.attributed)
    if (silent && optional) return true
    const line = store?.id === undefined ? SENTINEL : `\u001e${store.id} ${SENTINEL}`
    for (const fd of [1, 2]) {
      try {
        writeFully(fd, line)
      } catch {
        // Closed by the action, or nobody reads any more.
      }
    }
    if (turn !== undefined) turn.store.printed = false
    return silent
  }

  async function init(message, request, response, length) {
    const { status, json } = await action.init(message)
    if (length > LARGE_INIT) setTimeout(collectGarbage, 50).unref()
    if (status === 502) {
      if (turn !== undefined) action.on.streams.finish(turn.store)
      endOutput(turn?.store, false)
    }
    if (status !== 200) return answer(response, status, json)
    action.attributed = storage !== undefined && request.headers['x-stave-concurrent'] === '1'
    answer(response, 200, '{"OK":true}', action.attributed ? { 'X-Stave-Concurrent': '1' } : undefined)
  }

  function run(message, request, response) {
    const optional = request.headers['x-stave-silent'] === '1'
    action.take(message, (status, json, store) => {
      // A run that was refused has not begun, and has no end.
      const silent = (status === 200 || status === 502) && endOutput(store, optional)
      answer(response, status, json, silent ? (optional ? WITHOUT_END : WITH_END) : undefined)
    })
  }

  function answer(response, status, json, headers) {
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': byteLength(json),
      ...headers,
      ...(stopping ? { Connection: 'close' } : KEPT),
    })
    response.end(json)
  }

  function take(request, response, body) {
    const isInit = request.url === '/init'
    if (request.method !== 'POST' || (!isInit && request.url !== '/run')) return answer(response, 500, BAD_REQUEST)
    let message
    try {
      message = body === '' ? {} : parse(body)
    } catch {
      return answer(response, 500, BAD_REQUEST)
    }
    if (message === null || typeof message !== 'object') return answer(response, 500, BAD_REQUEST)
    if (isInit) void init(message, request, response, body.length)
    else run(message, request, response)
  }

  function onRequest(request, response) {
    if (stopping) {
      request.resume()
      return answer(response, 503, SHUTTING_DOWN)
    }
    underWay++
    response.once('close', () => {
      underWay--
      if (stopping && underWay === 0) leave()
    })
    readBody(request, (body) => {
      if (body !== undefined) return take(request, response, body)
      // Too large: what is still to come is not waited for.
      response.once('finish', () => request.destroy())
      answer(response, 500, BAD_REQUEST, { Connection: 'close' })
    })
  }

  function stop() {
    if (stopping) return
    stopping = true
    if (underWay === 0) leave()
  }

  function leave() {
    if (connections.size === 0) exit(0)
    setTimeout(() => exit(0), LINGER_MS)
  }

  const server = http.createServer(onRequest)
  // The platform decides how long a connection and a request may last; timers of a container that was suspended would all be due when it is resumed.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 })
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => connections.delete(socket))
  })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  server.listen(addressOf(listen))
}

/** `8080`, `127.0.0.1:8080` or `/path/of.sock` */
function addressOf(text) {
  if (text.startsWith('/')) return { path: text }
  const [, host, port] = /^(?:(.*):)?(\d+)$/.exec(text) ?? []
  if (port === undefined) throw new Error(`RUNTIME_LISTEN is '${text}', not a port, host:port or a path`)
  return host === undefined ? { port: Number(port) } : { host, port: Number(port) }
}

main()
