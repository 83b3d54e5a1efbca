/** Returns the namespace of the key that this was invoked with. */
function main() {
  return { namespace: process.env.__OW_NAMESPACE }
}
