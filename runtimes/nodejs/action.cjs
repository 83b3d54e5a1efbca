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
/** What may stand between `@` and the space in an answer; anything else an id might hold would break the line. */
const SAFE_ID = /^[\w-]{1,64}$/
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

class Action {
  /** @param on storage (where runs overlap) or turn (where they do not), environment, streams, answer(text), modules: a node_modules directory or undefined */
  constructor(on) {
    this.on = on
    this.state = 'ready'
    this.handler = undefined
    /** The platform sends runs ahead: those that came while one was under way wait here. */
    this.pipelined = false
    this.waiting = []
    this.draining = false
  }

  get initialized() {
    return this.handler !== undefined
  }

  /** Answers one init message. Resolves, never rejects, when it is answered. */
  async init(message) {
    if (this.handler !== undefined) return this.refuse('Cannot initialize the action more than once.')
    if (this.state !== 'ready') return this.refuse(`System not ready, status is ${this.state}.`)
    const value = message?.value ?? {}
    if (!isText(value.main) || !isText(value.code)) return this.reply('', 403, 'Missing main/no code to execute.')
    this.state = 'starting'
    try {
      if (value.env !== null && typeof value.env === 'object') this.on.environment.exportInit(value.env)
      this.handler = await load(value, this.on.modules)
      this.state = 'ready'
    } catch (error) {
      this.state = 'stopped'
      print('Error during initialization:', error instanceof InitFailure ? error.message : error)
      return this.reply('', 502, `Initialization has failed due to: ${textOfInitError(error)}`)
    }
    if (this.on.storage !== undefined) return this.on.answer('{"ok":true,"concurrent":true}\n')
    this.pipelined = message.pipelined === true
    this.on.answer(this.pipelined ? '{"ok":true,"pipelined":true}\n' : '{"ok":true}\n')
  }

  /** Takes one run message: runs it, or keeps it until those before it have been answered. */
  take(message) {
    if (this.pipelined && (this.state === 'running' || this.draining)) this.waiting.push(message)
    else this.run(message)
  }

  /** Runs what waits, one after the other; a loop, since those that answer at once would nest. */
  drain() {
    if (this.draining || this.waiting.length === 0) return
    this.draining = true
    while (this.waiting.length > 0 && this.state !== 'running') this.run(this.waiting.shift())
    this.draining = false
  }

  /** Answers one run message, at once or when the promise that the action returned is settled. */
  run(message) {
    const { storage } = this.on
    const id = message?.activation_id
    const prefix = storage !== undefined && typeof id === 'string' && SAFE_ID.test(id) ? `@${id} ` : ''
    if (this.handler === undefined) return this.refuse('System not initialized.', prefix)
    // What was sent ahead of a failure has not been run: 503 is the status that says so.
    if (this.pipelined && this.state === 'stopped') return this.reply(prefix, 503, 'The action has stopped.')
    if (this.state !== 'ready') return this.refuse(`System not ready, status is ${this.state}.`, prefix)
    const value = message?.value ?? {}
    if (typeof value !== 'object') {
      return this.refuse(
        `Internal system error: the argument must be a dictionary but has type '${typeof value}'.`,
        prefix,
      )
    }
    const context = this.on.environment.exportRun(message)
    if (storage === undefined) {
      this.state = 'running'
      if (this.pipelined)
        this.on.turn.store = { id: SAFE_ID.test(id) ? id : undefined, printed: false, 1: undefined, 2: undefined }
      return this.invoke(value, prefix)
    }
    storage.run({ id: prefix === '' ? undefined : id, context, printed: false, 1: undefined, 2: undefined }, () =>
      this.invoke(value, prefix),
    )
  }

  invoke(value, prefix) {
    const { handler } = this
    let result
    try {
      result = handler(value)
    } catch (error) {
      print(error)
      this.state = 'stopped'
      return this.reply(prefix, 502, `An error has occurred: ${textOf(error)}`)
    }
    if (!mayBePromise(result)) return this.finish(prefix, result)
    promiseOf.call(Promise, result).then(
      (settled) => this.finish(prefix, settled),
      (error) => this.fail(prefix, error),
    )
  }

  /** A rejected promise is an application error: a result that has `error`. */
  fail(prefix, error) {
    let serialized
    try {
      serialized = error ? serializeError(error) : {}
      stringify(serialized)
    } catch {
      serialized = textOf(error)
    }
    this.finish(prefix, { error: serialized })
  }

  finish(prefix, result) {
    if (this.state === 'running') this.state = 'ready'
    if (result === undefined) return this.send(prefix, '{}')
    if (typeof result !== 'object') {
      print(`Result must be of type object but has type "${typeof result}":`, result)
      return this.reply(prefix, 502, 'The action did not return a dictionary.')
    }
    let text
    try {
      text = stringify(result)
    } catch (error) {
      print('Result cannot be written as JSON:', error)
      return this.reply(prefix, 502, `An error has occurred: the result cannot be written as JSON: ${textOf(error)}`)
    }
    // An object whose toJSON returns nothing.
    if (text === undefined) return this.reply(prefix, 502, 'The action did not return a dictionary.')
    this.send(prefix, text)
  }

  /** The platform asked for something out of order; upstream prints that too. */
  refuse(text, prefix = '') {
    print('Internal system error:', text)
    this.reply(prefix, 403, text)
  }

  reply(prefix, status, error) {
    this.send(prefix, stringify({ error }), `!${status} `)
  }

  /** Writes one answer; `+` in it says that the run printed something, which the platform then waits to have read. */
  send(prefix, json, status = '') {
    const store = (this.on.storage ?? this.on.turn).getStore()
    let mark = ''
    if (store !== undefined) {
      this.on.streams.finish(store)
      if (store.printed) mark = '+'
    }
    this.on.answer(`${prefix}${mark}${status}${json}\n`)
    if (this.waiting.length > 0) this.drain()
  }
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
