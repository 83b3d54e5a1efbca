/**
 * Says hello.
 *
 * @param {string} params.name who is greeted
 * @param {string} params.place where they are from
 */
function main(params) {
  console.log('params:', params)
  const name = params.name || params.payload || 'stranger'
  const place = params.place || 'somewhere'
  return { payload: `Hello, ${name} from ${place}!` }
}
