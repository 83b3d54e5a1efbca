const { setTimeout: sleep } = require('timers/promises')

/**
 * Counts words and takes its time over it: the run ends when the promise is resolved.
 *
 * @param {string} params.payload a text
 */
async function main(params) {
  await sleep(100)
  const text = String(params.payload ?? '')
  const count = text.split(/\s+/).filter((word) => word !== '').length
  console.log(`The message '${text}' has ${count} words`)
  return { count }
}
