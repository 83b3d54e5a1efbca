/** The documents as text. Loaded when somebody asks for one: a server that is not asked does not hold them. */

import { INFO_API } from './info-api.ts'
import { renderOpenApi, renderSwagger } from './render.ts'
import { REST_API } from './rest-api.ts'

export const DOCUMENTS = {
  restSwagger: () => renderSwagger(REST_API),
  restOpenApi: () => renderOpenApi(REST_API),
  infoSwagger: () => renderSwagger(INFO_API),
} as const

/** JSON text of a document, indented as it is checked in. */
export function documentText(name: keyof typeof DOCUMENTS): string {
  return `${JSON.stringify(DOCUMENTS[name](), null, 2)}\n`
}
