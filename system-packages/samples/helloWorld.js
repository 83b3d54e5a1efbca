/**
 * Logs a line.
 *
 * @param {string} params.payload who is greeted in it
 */
function main(params) {
  console.log(`hello ${params.payload}!`)
}
