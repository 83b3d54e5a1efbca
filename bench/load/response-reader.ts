/** Finds the ends of HTTP/1.1 responses in a stream of bytes, by Content-Length. Does no more, because it shares two cores with what it measures. */

const HEADERS_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: *(\d+)/i
/** `HTTP/1.1 ` */
const STATUS_AT = 9

/** One connection's reader; `onResponse` is called with status and headers at the last byte of each response. Throws where a response tells no length. */
export function responseReader(onResponse: (status: number, head: string) => void): (chunk: Buffer) => void {
  /** Bytes of headers that are not complete. */
  let partial: Buffer | undefined
  /** Bytes of the present body that are to come. */
  let missing = 0
  let status = 0
  let head = ''

  return (chunk) => {
    let at = 0
    let data = chunk
    if (partial !== undefined) {
      data = Buffer.concat([partial, chunk])
      partial = undefined
    }
    for (;;) {
      if (missing > 0) {
        const taken = Math.min(missing, data.length - at)
        missing -= taken
        at += taken
        if (missing > 0) return
        onResponse(status, head)
      }
      if (at === data.length) return
      const end = data.indexOf(HEADERS_END, at, 'latin1')
      if (end < 0) {
        partial = data.subarray(at)
        return
      }
      head = data.toString('latin1', at, end)
      const length = LENGTH.exec(head)?.[1]
      if (length === undefined) throw new Error(`a response without Content-Length: ${head}`)
      status = Number(head.slice(STATUS_AT, STATUS_AT + 3))
      missing = Number(length)
      at = end + HEADERS_END.length
      if (missing === 0) onResponse(status, head)
    }
  }
}
