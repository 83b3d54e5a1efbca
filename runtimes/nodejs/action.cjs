'use strict'
/**
 * The states of one action, ready -> starting -> ready -> running -> ready, and stopped for good, with the sentences of OpenWhisk's Node.js runtime:
 * tests and users match on them.
 */
const { serializeError } = require('./serialize-error.cjs')
const { loadText } = require('./load-text.cjs')
const { InitFailure } = require('./init-failure.cjs')
const { collectGarbage } = require('./garbage-collection.cjs')

const { stringify } = JSON
const { resolve: promiseOf } = Promise
const now = performance.now.bind(performance)
/** What may stand between `@` and the space in an answer; anything else an id might hold would break the line. */
const SAFE_ID = /^[\w-]{1,64}$/
const NOT_A_DICTIONARY = '{"error":"The action did not return a dictionary."}'
/** Characters of base64 from which on the copies of an archive count. */
const LARGE_CODE = 8 * 1024 * 1024

/** The run whose turn it is, in the form in which streams ask for it: its store says whose output it is, where the platform wants to know. */
class Turn {
  constructor() {
    this.store = undefined
  }

  getStore() {
    return this.store
  }
}

/**
 * Answers to messages are given to a function `reply(status, json, store)`: `status` as OpenWhisk's HTTP form has it (200 or 502: the run was begun; else it was
 * refused), `store` the run's, where there is one, with all of its output written.
 */
class Action {
  /** @param on storage (where runs overlap) or turn (where they do not), environment, streams, modules: a node_modules directory or undefined */
  constructor(on) {
    this.on = on
    this.state = 'ready'
    this.handler = undefined
    /** Lines carry their run's id. */
    this.attributed = false
    /** The platform sends runs ahead: those that came while one was under way wait here, each with its `reply`. */
    this.pipelined = false
    this.waiting = []
    this.draining = false
  }

  get initialized() {
    return this.handler !== undefined
  }

  /** Carries out one init message. Resolves, never rejects, with `status`, and where that is not 200 with `json`, and `printed` where it says so in the log. */
  async init(message) {
    if (this.handler !== undefined) return refused('Cannot initialize the action more than once.')
    if (this.state !== 'ready') return refused(`System not ready, status is ${this.state}.`)
    const value = message?.value ?? {}
    if (!isText(value.main) || !isText(value.code)) {
      return { status: 403, json: stringify({ error: 'Missing main/no code to execute.' }), printed: false }
    }
    this.state = 'starting'
    try {
      if (value.env !== null && typeof value.env === 'object') this.on.environment.exportInit(value.env)
      this.handler = await load(value, this.on.modules)
      this.state = 'ready'
    } catch (error) {
      this.state = 'stopped'
      print('Error during initialization:', error instanceof InitFailure ? error.message : error)
      const json = stringify({ error: `Initialization has failed due to: ${textOfInitError(error)}` })
      return { status: 502, json, printed: true }
    }
    return { status: 200, json: undefined, printed: false }
  }

  /** Takes one run message: runs it, or keeps it until those before it have been answered. */
  take(message, reply) {
    if (this.pipelined && (this.state === 'running' || this.draining)) this.waiting.push({ message, reply })
    else this.run(message, reply)
  }

  /** Runs what waits, one after the other; a loop, since those that answer at once would nest. */
  drain() {
    if (this.draining || this.waiting.length === 0) return
    this.draining = true
    while (this.waiting.length > 0 && this.state !== 'running') {
      const { message, reply } = this.waiting.shift()
      this.run(message, reply)
    }
    this.draining = false
  }

  /** Answers one run message, at once or when the promise that the action returned is settled. */
  run(message, reply) {
    const { storage, turn } = this.on
    const store = this.storeOf(message)
    if (this.handler === undefined) return this.refuse('System not initialized.', reply, store)
    if (this.pipelined && this.state === 'stopped') {
      // What was sent ahead of a failure has not been run: 503 is the status that says so.
      return this.send(reply, store, 503, stringify({ error: 'The action has stopped.' }))
    }
    if (this.state !== 'ready') return this.refuse(`System not ready, status is ${this.state}.`, reply, store)
    const value = message?.value ?? {}
    if (typeof value !== 'object') {
      return this.refuse(
        `Internal system error: the argument must be a dictionary but has type '${typeof value}'.`,
        reply,
        store,
      )
    }
    const context = this.on.environment.exportRun(message)
    if (storage === undefined) {
      this.state = 'running'
      turn.store = store
      if (this.pipelined) store.began = now()
      return this.invoke(value, reply, store)
    }
    store.context = context
    storage.run(store, () => this.invoke(value, reply, store))
  }

  /** What is kept of a run's output: a store of its own where runs are told apart, else that of all runs, if any. */
  storeOf(message) {
    const { storage, turn } = this.on
    if (storage === undefined && !this.pipelined) return turn.store
    const id = message?.activation_id
    const known = this.attributed && typeof id === 'string' && SAFE_ID.test(id)
    return { id: known ? id : undefined, context: undefined, printed: false, began: 0, 1: undefined, 2: undefined }
  }

  invoke(value, reply, store) {
    const { handler } = this
    let result
    try {
      result = handler(value)
    } catch (error) {
      print(error)
      this.state = 'stopped'
      return this.send(reply, store, 502, stringify({ error: `An error has occurred: ${textOf(error)}` }))
    }
    if (!mayBePromise(result)) return this.finish(reply, store, result)
    promiseOf.call(Promise, result).then(
      (settled) => this.finish(reply, store, settled),
      (error) => this.fail(reply, store, error),
    )
  }

  /** A rejected promise is an application error: a result that has `error`. */
  fail(reply, store, error) {
    let serialized
    try {
      serialized = error ? serializeError(error) : {}
      stringify(serialized)
    } catch {
      serialized = textOf(error)
    }
    this.finish(reply, store, { error: serialized })
  }

  finish(reply, store, result) {
    if (this.state === 'running') this.state = 'ready'
    if (result === undefined) return this.send(reply, store, 200, '{}')
    if (typeof result !== 'object') {
      print(`Result must be of type object but has type "${typeof result}":`, result)
      return this.send(reply, store, 502, NOT_A_DICTIONARY)
    }
    let text
    try {
      text = stringify(result)
    } catch (error) {
      print('Result cannot be written as JSON:', error)
      const reason = `An error has occurred: the result cannot be written as JSON: ${textOf(error)}`
      return this.send(reply, store, 502, stringify({ error: reason }))
    }
    // An object whose toJSON returns nothing.
    if (text === undefined) return this.send(reply, store, 502, NOT_A_DICTIONARY)
    this.send(reply, store, 200, text)
  }

  /** The platform asked for something out of order; upstream prints that too. */
  refuse(text, reply, store) {
    const { status, json } = refused(text)
    if (store !== undefined) store.printed = true
    this.send(reply, store, status, json)
  }

  send(reply, store, status, json) {
    if (store !== undefined) this.on.streams.finish(store)
    reply(status, json, store)
    if (this.waiting.length > 0) this.drain()
  }
}

/** Prints why something that was asked for out of order is refused, and makes the answer. */
function refused(text) {
  print('Internal system error:', text)
  return { status: 403, json: stringify({ error: text }), printed: true }
}

/** The function of an init message. The code is let go of as soon as it is read: it may be 48 MB of base64. */
async function load(value, modules) {
  const { main } = value
  let handler
  if (value.binary) {
    const isLarge = value.code.length > LARGE_CODE
    if (isLarge) await freeMemory()
    const bytes = Buffer.from(value.code, 'base64')
    value.code = ''
    if (isLarge) await freeMemory()
    handler = await require('./load-archive.cjs').loadArchive(bytes, main, modules)
  } else {
    handler = loadText(value.code, main, modules)
    value.code = ''
  }
  if (typeof handler !== 'function') throw new InitFailure(`Action entrypoint '${main}' is not a function.`)
  return handler
}

/**
 * Line, code and bytes of a large archive at once exceed an action's usual memory. Each is garbage when the next is made, but only in a later turn of the
 * event loop: callers hold it on the stack until then.
 */
async function freeMemory() {
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
}

/** False when there is nothing to wait for. An object whose `then` throws goes the way of promises: it becomes a rejection. */
function mayBePromise(result) {
  if (result === null || (typeof result !== 'object' && typeof result !== 'function')) return false
  try {
    return typeof result.then === 'function'
  } catch {
    return true
  }
}

function isText(value) {
  return typeof value === 'string' && value !== ''
}

function textOfInitError(error) {
  if (error instanceof InitFailure) return error.message
  let stack
  try {
    stack = error?.stack
  } catch {
    stack = undefined
  }
  return stack ? textOf(stack) : textOf(error)
}

/** As a template literal writes it; objects that refuse are named by their type. */
function textOf(value) {
  try {
    return String(value)
  } catch {
    return `[${typeof value}]`
  }
}

/** Prints to the action's log. What user code made of `console`, or of the thing to be printed, must not stop the answer. */
function print(...parts) {
  try {
    console.error(...parts)
  } catch (error) {
    process.stderr.write(`${parts.map(textOf).join(' ')} (not inspected: ${textOf(error)})\n`)
  }
}

module.exports = { Action, Turn }
