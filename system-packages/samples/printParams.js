/** Logs the parameters in the order of their names, and returns them. */
function main(params) {
  const names = Object.keys(params).sort()
  for (const name of names) console.log(`params.${name}:`, params[name])
  return { params: Object.fromEntries(names.map((name) => [name, params[name]])) }
}
