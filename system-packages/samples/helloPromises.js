const openwhisk = require('openwhisk')

/**
 * Invokes another action and returns the words of its result: an action is asynchronous when it returns a promise.
 *
 * @param {string} params.name who is greeted
 * @param {string} params.place where they are from
 */
async function main({ name, place, ignore_certs = false }) {
  const activation = await openwhisk({ ignore_certs }).actions.invoke({
    name: '/whisk.system/samples/greeting',
    params: { name, place },
    blocking: true,
  })
  console.log('activation:', activation)
  return { lines: activation.response.result.payload.split(' ') }
}
