// A read-only OCI distribution registry over the image store: where every node's containerd looks first, whichever registry an image names.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { errorText, type Logger } from '../base/log.ts'
import { isDigest, isTag, parseReference } from './reference.ts'
import type { ImageStore } from './store.ts'

/** Connections beyond these wait in the kernel's queue. A node pulls with a handful. */
const MAX_CONNECTIONS = 512
const MAX_TAGS = 10_000
const REQUEST_TIMEOUT_MS = 30_000

export interface RegistryOptions {
  store: ImageStore
  host: string
  /** 0 takes a free port. */
  port: number
  log: Logger
}

export interface Registry {
  readonly port: number
  [Symbol.asyncDispose](): Promise<void>
}

export async function startRegistry({ store, host, port, log }: RegistryOptions): Promise<Registry> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(store, request, response).catch((error) => {
        // A puller that hangs up in the middle of a blob is no news.
        if (response.destroyed || request.socket.destroyed) return
        log.error('Failed registry request', { url: request.url, error })
        if (response.headersSent) response.destroy()
        else refuse(response, 500, 'UNKNOWN', errorText(error))
      })
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(`Cannot start image registry on ${host}:${port}`, { cause })))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Bug: a TCP server has an address')
  log.info('Started image registry', { host, port: address.port })
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What a path asks for. */
export type Route =
  | { what: 'base' }
  | { what: 'manifest'; name: string; reference: string }
  | { what: 'blob'; name: string; digest: string }
  | { what: 'tags'; name: string }

/** Pure: the path of the distribution API, or undefined. `name` may have slashes in it, so the path is read from its end. */
export function route(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { what: 'base' }
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path)
  if (!match) return undefined
  const [, name = '', kind, last = ''] = match
  if (kind === 'tags') return last === 'list' ? { what: 'tags', name } : undefined
  return kind === 'manifests' ? { what: 'manifest', name, reference: last } : { what: 'blob', name, digest: last }
}

/** Pure: one `bytes=` range over `size` bytes. `unsatisfiable` when it lies outside; undefined when all is wanted (or several ranges are). */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (!match) return undefined
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (from !== '' && to !== '' && Number(to) < start) return undefined
  return start >= size || end < start ? 'unsatisfiable' : { start, end }
}

async function answer(store: ImageStore, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume()
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return refuse(
      response,
      405,
      'UNSUPPORTED',
      'this registry is read-only; images come in through "drover image load"',
    )
  }
  const target = request.url ?? '/'
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  const ns = query < 0 ? null : new URLSearchParams(target.slice(query + 1)).get('ns')
  const wanted = route(path)
  if (!wanted) return refuse(response, 404, 'NOT_FOUND', 'no such endpoint')
  if (wanted.what === 'base') return send(request, response, 200, 'application/json', Buffer.from('{}'))
  const repository = repositoryOf(wanted.name, ns)
  if (repository === undefined) return refuse(response, 400, 'NAME_INVALID', 'invalid repository name')
  if (wanted.what === 'tags') return sendTags(store, request, response, { repository, name: wanted.name })
  if (wanted.what === 'blob') return sendBlob(store, request, response, wanted.digest)
  return sendManifest(store, request, response, { repository, reference: wanted.reference })
}

/** containerd names the registry that it stands in for as `ns`; without it the path is read the way people type references. */
function repositoryOf(name: string, ns: string | null): string | undefined {
  try {
    const { registry, repository } = parseReference(ns ? `${ns}/${name}` : name)
    return `${registry}/${repository}`
  } catch {
    // The caller answers with the API's own error code.
    return undefined
  }
}

type Repository = { repository: string }

async function sendManifest(
  store: ImageStore,
  request: IncomingMessage,
  response: ServerResponse,
  { repository, reference }: Repository & { reference: string },
): Promise<void> {
  const unknown = (): void =>
    refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown', { name: repository, reference })
  if (!isDigest(reference) && !isTag(reference))
    return refuse(response, 404, 'MANIFEST_UNKNOWN', 'neither a tag nor a sha256 digest')
  const found = await store.resolve(`${repository}${isDigest(reference) ? '@' : ':'}${reference}`)
  if (!found) return unknown()
  const bytes = await store.readDocument(found.digest)
  response.setHeader('Docker-Content-Digest', found.digest)
  response.setHeader('ETag', `"${found.digest}"`)
  send(request, response, 200, found.mediaType, bytes)
}

async function sendBlob(
  store: ImageStore,
  request: IncomingMessage,
  response: ServerResponse,
  digest: string,
): Promise<void> {
  if (!isDigest(digest)) return refuse(response, 400, 'DIGEST_INVALID', 'not a sha256 digest')
  const size = await store.blobSize(digest)
  if (size === undefined) return refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown', { digest })
  response.setHeader('Docker-Content-Digest', digest)
  response.setHeader('ETag', `"${digest}"`)
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('Content-Type', 'application/octet-stream')
  const range = parseRange(request.headers.range, size)
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`)
    return refuse(response, 416, 'SIZE_INVALID', 'the range lies outside the blob')
  }
  if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${size}`)
  response.writeHead(range ? 206 : 200, { 'Content-Length': range ? range.end - range.start + 1 : size })
  if (request.method === 'HEAD' || size === 0) {
    response.end()
    return
  }
  await pipeline(store.blobStream(digest, range), response)
}

async function sendTags(
  store: ImageStore,
  request: IncomingMessage,
  response: ServerResponse,
  { repository, name }: Repository & { name: string },
): Promise<void> {
  const tags = (await store.list())
    .filter((image) => image.reference.startsWith(`${repository}:`))
    .map((image) => image.reference.slice(repository.length + 1))
    .slice(0, MAX_TAGS)
  if (tags.length === 0) return refuse(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry', { name })
  send(request, response, 200, 'application/json', Buffer.from(JSON.stringify({ name, tags })))
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  body: Buffer,
): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function refuse(response: ServerResponse, status: number, code: string, message: string, detail: object = {}): void {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message, detail }] }))
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
