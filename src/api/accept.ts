/** The `Accept` header: whether a caller takes a media type (RFC 9110, 12.5.1). */

interface MediaRange {
  readonly type: string
  readonly subtype: string
  readonly quality: number
}

/** True when `accept` allows `type/subtype`: the most specific range that covers it has a quality above 0. No header, or one without any readable range, allows all. */
export function accepts(accept: string | undefined, type: string, subtype: string): boolean {
  if (accept === undefined || accept === '*/*' || accept === `${type}/${subtype}`) return true
  const ranges = accept
    .split(',')
    .map(parseRange)
    .filter((range) => range !== undefined)
  if (ranges.length === 0) return true
  const covering =
    ranges.find((range) => range.type === type && range.subtype === subtype) ??
    ranges.find((range) => range.type === type && range.subtype === '*') ??
    ranges.find((range) => range.type === '*' && range.subtype === '*')
  return covering !== undefined && covering.quality > 0
}

function parseRange(text: string): MediaRange | undefined {
  const [range = '', ...parameters] = text.split(';')
  const [type, subtype, more] = range.trim().toLowerCase().split('/')
  if (type === undefined || type === '' || subtype === undefined || subtype === '' || more !== undefined)
    return undefined
  const quality = parameters
    .map((parameter) => /^\s*q\s*=\s*([\d.]+)\s*$/i.exec(parameter)?.[1])
    .find((q) => q !== undefined)
  return { type, subtype, quality: quality === undefined ? 1 : Number(quality) }
}
