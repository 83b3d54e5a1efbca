'use strict'
/**
 * `process.env` as an action sees it: the real environment with the context of the run laid over it.
 *
 * The context changes with every run. Writing it into the real environment would cost a setenv each, and glibc never frees a value that was
 * replaced: some hundred bytes a run, for ever. So it lives in a copy that JavaScript reads, and what user code writes goes to both.
 */

const CONTEXT_PREFIX = '__OW_'
const { stringify } = JSON

/**
 * Replaces `process.env`. With `storage` (an AsyncLocalStorage whose stores have `context`), a run's context is read in that run only.
 * Returns `exportInit(env)`, which exports the variables of an init message, and `exportRun(message)`, which exports the context of a run message
 * and returns it as an object of variables.
 */
function installEnvironment(storage) {
  const real = process.env
  const visible = { ...real }
  const traps = {
    set(target, key, value) {
      // The real environment turns the value into a string, or throws as it always did (symbols).
      real[key] = value
      if (typeof key === 'string') target[key] = String(value)
      const context = storage?.getStore()?.context
      if (context !== undefined && key in context) context[key] = String(value)
      return true
    },
    deleteProperty(target, key) {
      delete real[key]
      delete target[key]
      const context = storage?.getStore()?.context
      if (context !== undefined) delete context[key]
      return true
    },
    defineProperty(target, key, descriptor) {
      // Throws for descriptors that the real environment does not take.
      Object.defineProperty(real, key, descriptor)
      return Reflect.defineProperty(target, key, { ...descriptor, value: String(descriptor.value) })
    },
  }
  if (storage !== undefined) {
    traps.get = (target, key) => {
      const context = storage.getStore()?.context
      return context !== undefined && typeof key === 'string' && key in context ? context[key] : target[key]
    }
  }
  process.env = new Proxy(visible, traps)

  /** `activation_id` -> `__OW_ACTIVATION_ID`, worked out once a key. */
  const names = new Map()
  const nameOf = (key) => {
    let name = names.get(key)
    if (name === undefined) {
      name = CONTEXT_PREFIX + key.toUpperCase()
      // Only the platform's own handful of keys is worth keeping.
      if (names.size < 64) names.set(key, name)
    }
    return name
  }

  return {
    exportInit(env) {
      for (const [key, value] of Object.entries(env)) process.env[key] = textOf(value)
    },
    exportRun(message) {
      const context = storage === undefined ? undefined : Object.create(null)
      for (const key in message) {
        const value = message[key]
        if (typeof value !== 'string' || key === 'value') continue
        const name = nameOf(key)
        visible[name] = value
        if (context !== undefined) context[name] = value
      }
      return context
    },
  }
}

/** Init variables are strings already; others are turned into text as OpenWhisk's runtime does. */
function textOf(value) {
  if (typeof value === 'object' && value !== null) return stringify(value)
  return value ? String(value) : ''
}

module.exports = { installEnvironment }
