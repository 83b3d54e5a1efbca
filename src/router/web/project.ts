/** From what came of a web action to its HTTP answer, by the extension that it was called with. */

import type { Outcome } from '../../model/activation.ts'
import { APPLICATION_ERROR, SUCCESS } from '../../model/activation.ts'
import { refusal } from '../../model/errors.ts'
import { projectHttp } from './http-result.ts'
import { invalidFor } from './invalid-response.ts'
import { membersOf, stringIn } from './json-text.ts'
import type { MediaType } from './media-types.ts'
import { APPLICATION_JSON, IMAGE_SVG, TEXT_HTML, TEXT_PLAIN } from './media-types.ts'
import { prettyJson } from './pretty-json.ts'
import type { Extension } from './target.ts'
import type { WebAnswer, WebContent } from './web-answer.ts'

/** A result that OpenWhisk cannot make anything of: it answers the bare 500 that it gives when a handler dies, and so does this. */
export class Unprojectable extends Error {
  override readonly name = 'Unprojectable'
}

/** The answer. Throws the refusal that says why there is none, or `Unprojectable`. */
export function project(outcome: Outcome, extension: Extension): WebAnswer {
  const result = resultOf(outcome)
  switch (extension) {
    case 'http':
      return projectHttp(result)
    case 'json':
      if (!/^\s*[{[]/.test(result)) throw invalidFor(APPLICATION_JSON)
      return ok(APPLICATION_JSON, prettyJson(result))
    case 'html':
      return ok(TEXT_HTML, stringOf(result, 'html', TEXT_HTML))
    case 'svg':
      return ok(IMAGE_SVG, stringOf(result, 'svg', IMAGE_SVG))
    case 'text':
      return ok(TEXT_PLAIN, textOf(result))
  }
}

/** The JSON text that is projected: the result, or what stands for it in an error. */
function resultOf({ statusCode, resultJson }: Outcome): string {
  const members = membersOf(resultJson)
  if (statusCode === SUCCESS) {
    if (members === undefined) throw new Unprojectable('a web action must return an object')
    return resultJson
  }
  const error = members?.get('error')
  if (statusCode === APPLICATION_ERROR && error !== undefined) return error
  throw refusal('INVALID_RESPONSE', 400, 'There was an error processing your request.')
}

/** The string that a result is, or has as `body`, else as `property`. */
function stringOf(result: string, property: string, mediaType: MediaType): string {
  const members = membersOf(result)
  const json = members === undefined ? result : (members.get('body') ?? members.get(property) ?? 'null')
  const text = stringIn(json)
  if (text === undefined) throw invalidFor(mediaType)
  return text
}

function textOf(result: string): string {
  const members = membersOf(result)
  const json = members === undefined ? result : (members.get('body') ?? members.get('text'))
  if (json === undefined) {
    throw refusal('INVALID_RESPONSE', 404, 'Response does not include requested property.')
  }
  return stringIn(json) ?? prettyJson(json)
}

function ok(mediaType: WebContent['mediaType'], data: string): WebAnswer {
  return { status: 200, headers: [], content: { mediaType, data } }
}
