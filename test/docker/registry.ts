/** A registry of the tests' own on loopback (OCI distribution API v2): it serves one small image, as slowly and as badly as a test wants. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { needEngine } from './engine-api.ts'
import { dockerHost } from './engine.ts'

export interface Registry {
  /** `127.0.0.1:PORT`, to put in front of names of images. */
  readonly name: string
  /** Questions for the digest of a tag, by name: one a pull. */
  readonly manifests: Map<string, number>
  /** Requests for layers. */
  layers(): number
  /** Status of every answer until it is set again; 200: it serves. */
  status: number
  /** Layers stop in the middle until it is called what is returned. */
  hold(): () => void
  /** Layers break off in the middle. */
  breaksOff: boolean
  close(): Promise<void>
}

interface Blob {
  readonly bytes: Buffer
  readonly digest: string
}

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const CONFIG = 'application/vnd.docker.container.image.v1+json'
/** Engines look at the bytes: these are not compressed, they only go from loopback to loopback. */
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

/** Serves `image` of the run's engine under every name, with one more layer that is only of that name, and with every tag. */
export async function startRegistry(image: string): Promise<Registry> {
  const base = await exported(image)
  const blobs = new Map(base.layers.map((one) => [one.digest, one.bytes]))
  const configs = new Set<string>()
  const manifests = new Map<string, number>()
  let layerRequests = 0
  let held: Promise<void> = Promise.resolve()

  const registry: Registry = {
    get name() {
      return `127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    manifests,
    layers: () => layerRequests,
    status: 200,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    breaksOff: false,
    async close() {
      server.close().closeAllConnections()
      await once(server, 'close')
    },
  }

  /** An engine downloads no layer that it has: each name has one that it has not. */
  function manifestOf(name: string): Blob {
    const own = blob(tarOf('name', name))
    const config = blob(configWith(base.config, own.digest))
    configs.add(config.digest)
    for (const { digest, bytes } of [own, config]) blobs.set(digest, bytes)
    const layers = [...base.layers, own].map(({ bytes, digest }) => ({ mediaType: LAYER, size: bytes.length, digest }))
    const described = { mediaType: CONFIG, size: config.bytes.length, digest: config.digest }
    return blob(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: described, layers })))
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname } = new URL(req.url ?? '/', 'http://registry')
    const [, name = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? []
    if (kind === 'manifests' && req.method === 'HEAD') manifests.set(name, (manifests.get(name) ?? 0) + 1)
    if (registry.status !== 200) {
      res.writeHead(registry.status, { 'content-type': 'application/json' })
      return void res.end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'the registry does not want to' }] }))
    }
    if (pathname === '/v2/') return void res.writeHead(200).end('{}')
    if (kind === 'manifests') {
      const { bytes, digest } = manifestOf(name)
      res.writeHead(200, { 'content-type': MANIFEST, 'content-length': bytes.length, 'docker-content-digest': digest })
      return void res.end(req.method === 'HEAD' ? undefined : bytes)
    }
    const bytes = kind === 'blobs' ? blobs.get(reference) : undefined
    if (bytes === undefined) return void res.writeHead(404).end('{}')
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length })
    if (req.method === 'HEAD' || configs.has(reference)) return void res.end(req.method === 'HEAD' ? undefined : bytes)
    layerRequests++
    const half = Math.floor(bytes.length / 2)
    res.write(bytes.subarray(0, half))
    if (registry.breaksOff) {
      await delay(50)
      return void res.destroy()
    }
    await held
    res.end(bytes.subarray(half))
  }

  const server = createServer((req, res) => void serve(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return registry
}

function blob(bytes: Buffer): Blob {
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

/** Layers and configuration of an image that the engine has. */
async function exported(image: string): Promise<{ readonly layers: readonly Blob[]; readonly config: Buffer }> {
  const files = untar((await needEngine(dockerHost, 'GET', `/images/${image}/get`)).bytes)
  const file = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0)
  const [index] = JSON.parse(file('manifest.json').toString()) as readonly {
    readonly Config: string
    readonly Layers: readonly string[]
  }[]
  if (index === undefined) throw new Error(`the engine exported nothing of ${image}`)
  return { layers: index.Layers.map((name) => blob(file(name))), config: file(index.Config) }
}

const BLOCK = 512

/** The files of a tar archive, with symbolic links resolved as `docker save` makes them for layers that occur twice. */
function untar(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  const text = (at: number, length: number): string => bytes.toString('latin1', at, at + length).replace(/\0[^]*$/, '')
  for (let at = 0; at + BLOCK <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const name = text(at, 100)
    if (text(at + 156, 1) === '2') {
      const target = new URL(text(at + 157, 100), `file:///${name}`).pathname.slice(1)
      files.set(name, files.get(target) ?? Buffer.alloc(0))
    } else files.set(name, bytes.subarray(at + BLOCK, at + BLOCK + size))
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}

function configWith(config: Buffer, diffId: string): Buffer {
  const parsed = JSON.parse(config.toString()) as {
    readonly rootfs: { readonly diff_ids: readonly string[] }
    readonly history?: readonly object[]
  }
  const { rootfs, history = [] } = parsed
  const created = { created: '2020-01-01T00:00:00Z', created_by: 'a test' }
  const changed = { rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, diffId] }, history: [...history, created] }
  return Buffer.from(JSON.stringify({ ...parsed, ...changed }))
}

/** A tar archive with one file. */
function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(BLOCK)
  const body = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK)
  body.write(content)
  const octal = (value: number, at: number, length: number): number =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
  header.write(name)
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content.length, 124, 12)
  octal(0, 136, 12)
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return Buffer.concat([header, body, Buffer.alloc(2 * BLOCK)])
}
