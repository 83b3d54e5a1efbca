/** Returns the date and time. */
function main() {
  const date = new Date()
  console.log(`It is now ${date.toString()}`)
  return { date }
}
