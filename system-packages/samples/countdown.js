const openwhisk = require('openwhisk')

/**
 * Invokes itself with one less, until nothing is left.
 *
 * @param {number} params.n where to begin
 */
function main(params) {
  const n = parseInt(params.n, 10)
  console.log(n)
  if (n === 0) console.log('Happy New Year!')
  if (!(n > 0)) return {}
  const whisk = openwhisk({ ignore_certs: params.ignore_certs || false })
  return whisk.actions.invoke({ name: process.env.__OW_ACTION_NAME, params: { n: n - 1 } })
}
