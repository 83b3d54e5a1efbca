/** Credentials for registries, from a file in the format of the Docker command line's `config.json`. It is read at each pull, so that new ones hold at once. */

import { readFile } from 'node:fs/promises'
import * as v from 'valibot'

const fileSchema = v.object({
  auths: v.optional(
    v.record(
      v.string(),
      v.object({
        /** Base64 of `user:password`. */
        auth: v.optional(v.string()),
        username: v.optional(v.string()),
        password: v.optional(v.string()),
        identitytoken: v.optional(v.string()),
      }),
    ),
    {},
  ),
})

/** How Docker's own registry is named in image names (not at all), and in that file. */
const HUB = 'docker.io'
const HUB_IN_FILE = 'index.docker.io'

/**
 * The value of `X-Registry-Auth` for a pull of `image`; undefined without a file, or where it has nothing for the image's registry. Rejects with a message that
 * names the file when it cannot be read; what is in it is never told.
 */
export async function registryAuth(file: string, image: string): Promise<string | undefined> {
  if (file === '') return undefined
  const { auths } = await readAuths(file)
  const registry = registryOf(image)
  const found = Object.entries(auths).find(([name]) => hostOf(name) === registry)
  if (found === undefined) return undefined
  const [serveraddress, { auth, identitytoken, ...given }] = found
  const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  const credentials = {
    serveraddress,
    username: given.username ?? decoded.slice(0, Math.max(0, colon)),
    password: given.password ?? decoded.slice(colon + 1),
    ...(identitytoken !== undefined && { identitytoken }),
  }
  return Buffer.from(JSON.stringify(credentials)).toString('base64url')
}

async function readAuths(file: string): Promise<v.InferOutput<typeof fileSchema>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new Error(`the credentials of registries in ${file} cannot be read: ${code} (docker.authFile)`, {
      cause: error,
    })
  }
  try {
    return v.parse(fileSchema, JSON.parse(text))
  } catch {
    // The parser's own message would quote from the file.
    throw new Error(
      `the credentials of registries in ${file} are not in the format of Docker's config.json (docker.authFile)`,
    )
  }
}

/** The registry that an image's name begins with; Docker's own where it names none. */
function registryOf(image: string): string {
  const [first = ''] = image.split('/', 1)
  return image.includes('/') && (/[.:]/.test(first) || first === 'localhost') ? first : HUB
}

/** `https://index.docker.io/v1/`, `registry.example.org`, `https://registry.example.org:5000`. */
function hostOf(name: string): string {
  const host = name.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return host === HUB_IN_FILE ? HUB : host
}
