'use strict'
/**
 * The first thing a Node.js container runs: answers OpenWhisk's init and run messages on lines (see ../README.md).
 *
 *     node launcher.cjs [MODULES]
 *
 * MODULES is a node_modules directory that every action may require from after its own; in a sandbox it is mounted at /node_modules instead and
 * needs no argument. Runs on Node 18 to 24. What a cold start does not need is loaded later, but always before user code may have changed `fs`.
 */
const { collectGarbage } = require('./garbage-collection.cjs')
const { openChannel, writeFully } = require('./line-channel.cjs')
const { prepareProcess } = require('./prepare-process.cjs')

const ANSWERS = 3
/** An init of this many bytes leaves garbage that an idle process would keep until its next allocation. */
const LARGE_INIT = 256 * 1024

// User code may replace any of these; the protocol must go on.
const { parse } = JSON
const exit = process.exit.bind(process)
const isArray = Array.isArray
const { round } = Math
const now = performance.now.bind(performance)
const answer = (text) => writeFully(ANSWERS, text)

function main() {
  const { action, storage } = prepareProcess(process.argv[2])
  const concurrent = storage !== undefined
  action.attributed = concurrent

  /** One answer, with how long the run took, where runs are one after the other; `+` in it says that the run printed something, which the platform then waits to have read. */
  function reply(status, json, store) {
    const id = concurrent && store.id !== undefined ? `@${store.id} ` : ''
    const took = action.pipelined && store.began > 0 ? `~${round((now() - store.began) * 1000)} ` : ''
    const mark = store?.printed ? '+' : ''
    answer(status === 200 ? `${id}${took}${mark}${json}\n` : `${id}${took}${mark}!${status} ${json}\n`)
  }

  /** Carries out an init and answers it: with what the launcher can do beyond upstream's protocol, where it has worked. */
  async function init(message) {
    const { status, json, printed } = await action.init(message)
    if (status !== 200) return answer(`${printed && action.attributed ? '+' : ''}!${status} ${json}\n`)
    if (concurrent) return answer('{"ok":true,"concurrent":true}\n')
    action.pipelined = action.attributed = message.pipelined === true
    answer(action.pipelined ? '{"ok":true,"pipelined":true}\n' : '{"ok":true}\n')
  }

  openChannel(0, {
    onLine(line) {
      let message
      try {
        message = parse(line)
      } catch {
        return answer('!500 {"error":"Bad request."}\n')
      }
      if (!isInit(message, action.initialized)) return action.take(message, reply)
      const large = line.length > LARGE_INIT
      void init(message).then(() => {
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
