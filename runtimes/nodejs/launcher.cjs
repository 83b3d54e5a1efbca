'use strict'
/**
 * The first thing a Node.js container runs: answers OpenWhisk's init and run messages on lines (see ../README.md).
 *
 *     node launcher.cjs [MODULES]
 *
 * MODULES is a node_modules directory that every action may require from after its own; in a sandbox it is mounted at /node_modules instead and
 * needs no argument. Runs on Node 18 to 24. What a cold start does not need is loaded later, but always before user code may have changed `fs`.
 */
const { collectGarbage, installGarbageCollection } = require('./garbage-collection.cjs')
const { openChannel, writeFully } = require('./line-channel.cjs')
const { installEnvironment } = require('./environment.cjs')
const { installStreams } = require('./process-streams.cjs')
const { Action, Turn } = require('./action.cjs')

const ANSWERS = 3
/** An init of this many bytes leaves garbage that an idle process would keep until its next allocation. */
const LARGE_INIT = 256 * 1024

// User code may replace any of these; the protocol must go on.
const { parse } = JSON
const exit = process.exit.bind(process)
const isArray = Array.isArray
const answer = (text) => writeFully(ANSWERS, text)

function main() {
  const { __OW_ALLOW_CONCURRENT: concurrent } = process.env
  installGarbageCollection()
  const storage = concurrent === 'true' ? new (require('async_hooks').AsyncLocalStorage)() : undefined
  const environment = installEnvironment(storage)
  // Runs one after the other need no tracking to know whose output it is.
  const turn = storage === undefined ? new Turn() : undefined
  const streams = installStreams(storage, turn)
  const action = new Action({ storage, turn, environment, streams, answer, modules: process.argv[2] })

  openChannel(0, {
    onLine(line) {
      let message
      try {
        message = parse(line)
      } catch {
        return answer('!500 {"error":"Bad request."}\n')
      }
      if (!isInit(message, action.initialized)) return action.take(message)
      const large = line.length > LARGE_INIT
      void action.init(message).then(() => {
        if (large) setTimeout(collectGarbage, 50).unref()
      })
    },
    onEnd: () => exit(0),
  })
  answer('{"ok":true}\n')
}

/**
 * Both messages have `value`; a run brings its context beside it, an init nothing. Once initialised, a bare `{"value":…}` is a run without context
 * unless it has all the marks of an init.
 */
function isInit(message, initialized) {
  if (message === null || typeof message !== 'object' || isArray(message)) return !initialized
  for (const key in message) if (key !== 'value' && key !== 'pipelined') return false
  const { value } = message
  if (!initialized) return value !== undefined
  return (
    value !== null &&
    typeof value === 'object' &&
    typeof value.name === 'string' &&
    typeof value.code === 'string' &&
    typeof value.binary === 'boolean' &&
    'main' in value
  )
}

main()
