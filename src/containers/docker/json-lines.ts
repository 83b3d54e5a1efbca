/** Reads a stream of JSON values, one a line, as the engine sends events and the progress of a pull. */

/** A line longer than this is not one of the engine's. */
const MAX_LINE_BYTES = 1024 * 1024

/** The parsed values, as they come. Throws a SyntaxError for a line that is not JSON or too long. */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_BYTES) throw new SyntaxError('the engine sent a line without an end')
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
  }
  if (rest.trim() !== '') yield JSON.parse(rest)
}
