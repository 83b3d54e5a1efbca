/** Refusals of results that cannot be made into an answer: the action's doing, told to its caller. */

import type { Refusal } from '../../model/errors.ts'
import { refusal } from '../../model/errors.ts'
import type { MediaType } from './media-types.ts'

/** 400 for a result that is not what the extension asks for. */
export function invalidFor({ type, subtype }: Pick<MediaType, 'type' | 'subtype'>): Refusal {
  return refusal('INVALID_RESPONSE', 400, `Response is not valid '${type}/${subtype}'.`)
}

/** 400 for a content type in the result's headers that is none. */
export function unknownContentType(): Refusal {
  return refusal('INVALID_RESPONSE', 400, 'Response did not specify a known content-type.')
}

/** 400 for a body that is not what the content type in the result's headers says. */
export function contentTypeMismatch(): Refusal {
  return refusal('INVALID_RESPONSE', 400, 'Response type in header did not match generated content type.')
}
