/** Returns what it is given. */
function main(args) {
  return args
}
