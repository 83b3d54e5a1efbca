const TIMEOUT_MS = 10_000

/**
 * Reads a URL and returns what the server answers, or why it does not. It follows no redirects.
 *
 * @param {string} params.payload the URL; a host is enough
 */
async function main({ payload }) {
  if (typeof payload !== 'string') return { error: "Expected an argument 'payload' of type 'string'." }
  console.log(`Curl to ${payload}`)
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(payload) ? payload : `http://${payload}`
  let msg
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    msg = await response.text()
  } catch (error) {
    msg = [error.message, error.cause?.message].filter((text) => text !== undefined).join(': ')
  }
  console.log(msg)
  return { msg }
}
