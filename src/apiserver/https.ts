// The HTTPS door: TLS, limits, and the plain-value pipeline behind it. Upgrades (exec, attach, port-forward) go to a handler of their own.

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import * as errors from '../apimachinery/errors.ts'
import type { ApiRequest, ApiResponse, Handle } from '../client/door.ts'
import { CLIENT_GONE, writeAnswer } from './answer.ts'
import { type ConnectionFacts, Http2Connections } from './http2.ts'
import { targetOf } from './request-target.ts'
import { errorResponse } from './responses.ts'

/** The largest request body (upstream MaxRequestBodyBytes). */
export const MAX_BODY_BYTES = 3 * 1024 * 1024
/** The largest set of headers. */
const MAX_HEADER_BYTES = 64 * 1024
/** How long a client may take for the head of a request, and an idle connection is kept. */
const HEADERS_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 120_000
/** How long a client may take for a whole request, its body included: one that never ends must not hold its connection for ever. */
const REQUEST_TIMEOUT_MS = 60_000
/** Open watches get this long to end when the server stops. */
const DRAIN_MS = 2_000

/** Takes over an upgrade request after authorisation. */
export type UpgradeHandler = (
  request: ApiRequest,
  message: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => Promise<void>

export interface HttpsOptions {
  handle: Handle
  upgrade: UpgradeHandler
  /** Does an upgrade of this request mean anything? All others are answered as if they had not asked for one. */
  takesUpgrade?(message: IncomingMessage): boolean
  host: string
  port: number
  /** PEM. */
  certificate: string
  key: string
  /** PEM of the CA that client certificates are checked against. */
  clientCA: string
  clock: Clock
  log: Logger
}

export interface HttpsDoor extends AsyncDisposable {
  readonly port: number
  /** Serves another certificate from the next connection on. */
  rotate(certificate: string, key: string): void
}

export async function openHttps(options: HttpsOptions): Promise<HttpsDoor> {
  const { certificate, key, clientCA, log } = options
  const server = createServer({
    cert: certificate,
    key,
    ca: clientCA,
    requestCert: true,
    // A certificate of another CA is not an error: the request may carry a token. It just does not count.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2', 'http/1.1'],
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A request that has no body does not go through the life of a stream: a kilobyte of garbage less for each GET.
    optimizeEmptyRequests: true,
    ...(options.takesUpgrade ? { shouldUpgradeCallback: options.takesUpgrade } : {}),
  })
  // Node drops the headers beyond a count without a word: a proxy's Impersonate-User at the end of them must not get lost. Bytes are the limit.
  server.maxHeadersCount = 0
  server.on('request', (message, response) => void serve(options, message, response))
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket)
    socket.on('close', () => upgraded.delete(socket))
    socket.on('error', () => socket.destroy())
    options.upgrade(toRequest(message), message, socket, head).catch((error: unknown) => {
      log.debug('Broke off an upgrade', { path: message.url, error })
      socket.destroy()
    })
  })
  const http2 = serveHttp2(server, options)
  server.on('tlsClientError', (error) => log.debug('Refused a TLS handshake', { error }))
  await listen(server, options)
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  return {
    port,
    rotate: (cert, newKey) => server.setSecureContext({ cert, key: newKey, ca: clientCA }),
    [Symbol.asyncDispose]: () => close(server, { upgraded, http2 }, options.clock),
  }
}

async function listen(server: Server, { host, port }: HttpsOptions): Promise<void> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const why =
      code === 'EADDRINUSE' ? `port ${port} is taken by another process; choose another with -p` : String(code ?? error)
    throw new Error(`Cannot listen on ${host}:${port}: ${why}`, { cause: error })
  }
}

/** Connections that chose HTTP/2 go to it; the way of the others stays as it was. */
function serveHttp2(server: Server, { handle, clock, log }: HttpsOptions): Http2Connections {
  const http2 = new Http2Connections({
    handle,
    clock,
    log,
    limits: {
      headerBytes: MAX_HEADER_BYTES,
      bodyBytes: MAX_BODY_BYTES,
      requestMs: REQUEST_TIMEOUT_MS,
      idleMs: KEEP_ALIVE_MS,
    },
  })
  const http1 = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') http2.serve(socket, factsOf(socket))
    else for (const listener of http1) listener.call(server, socket)
  })
  return http2
}

interface Others {
  upgraded: ReadonlySet<Duplex>
  http2: Http2Connections
}

async function close(server: Server, { upgraded, http2 }: Others, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  http2.close()
  const cutOff = (): void => {
    server.closeAllConnections()
    http2.cutOff()
    // The server forgets connections that left HTTP, but waits for them.
    for (const socket of upgraded) socket.destroy()
  }
  const timer = clock.after(DRAIN_MS, cutOff, { keepAlive: true })
  await closed
  timer.cancel()
}

/** Never rejects: an answer that cannot be given ends with its connection. */
async function serve(options: HttpsOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  let answer: ApiResponse
  try {
    const request = toRequest(message)
    if (request.method !== 'GET' && request.method !== 'HEAD') request.body = await readBody(message)
    answer = await options.handle(request)
  } catch (error) {
    if (!(error instanceof errors.StatusError)) return breakOff(options, response, error)
    // The rest of an over-long body is not read: the connection cannot be used again.
    response.setHeader('connection', 'close')
    answer = errorResponse(error, undefined, message.headers.accept)
  }
  try {
    // Not awaited: a watch would hold all of this as long as it lasts.
    writeAnswer(answer, message, { response, clock: options.clock })?.catch((error: unknown) =>
      breakOff(options, response, error),
    )
  } catch (error) {
    breakOff(options, response, error)
  }
}

function breakOff({ log }: HttpsOptions, response: ServerResponse, error: unknown): void {
  log.debug('Broke off an answer', { path: response.req.url, error })
  response.destroy()
}

const NO_BODY = Buffer.alloc(0)

function readBody(message: IncomingMessage): Buffer | Promise<Buffer> {
  // It had none, and says nothing of its end.
  if (message.readableEnded) return NO_BODY
  const declared = Number(message.headers['content-length'] ?? 0)
  if (declared > MAX_BODY_BYTES) throw errors.requestEntityTooLarge(MAX_BODY_BYTES)
  return new Promise((resolve, reject) => {
    // Most bodies come in one piece.
    let whole: Buffer = NO_BODY
    let more: Buffer[] | undefined
    let size = 0
    message.on('data', (bytes: Buffer) => {
      size += bytes.length
      if (size > MAX_BODY_BYTES) {
        message.pause()
        reject(errors.requestEntityTooLarge(MAX_BODY_BYTES))
      } else if (whole === NO_BODY) whole = bytes
      else if (more === undefined) more = [whole, bytes]
      else more.push(bytes)
    })
    message.on('end', () => resolve(more === undefined ? whole : Buffer.concat(more, size)))
    message.on('error', reject)
    message.on('close', () => reject(CLIENT_GONE))
  })
}

/** The HTTP request as a plain value. */
function toRequest(message: IncomingMessage): ApiRequest {
  return {
    method: message.method ?? 'GET',
    ...targetOf(message.url ?? '/'),
    headers: message.headers as Record<string, string | undefined>,
    ...connectionOf(message.socket as TLSSocket),
  }
}

/** What all requests of a connection have in common: who is at the other end, and whether somebody still is. */
interface Connection extends ConnectionFacts {
  readonly signal: AbortSignal
}

const connections = new WeakMap<TLSSocket, Connection>()

function connectionOf(socket: TLSSocket): Connection {
  let known = connections.get(socket)
  if (known === undefined) {
    const gone = new AbortController()
    // An answer is broken off with its connection, never without it.
    socket.on('close', () => gone.abort(CLIENT_GONE))
    known = { ...factsOf(socket), signal: gone.signal }
    connections.set(socket, known)
  }
  return known
}

function factsOf(socket: TLSSocket): ConnectionFacts {
  const certificate = certificateOf(socket)
  const { remoteAddress } = socket
  return { ...(certificate ? { certificate } : {}), ...(remoteAddress ? { remoteAddress } : {}) }
}

function certificateOf(socket: TLSSocket): ApiRequest['certificate'] {
  if (!socket.authorized) return undefined
  const { subject, fingerprint256 } = socket.getPeerCertificate() as Partial<PeerCertificate>
  const { CN: commonName, O: organization = [] } = (subject ?? {}) as { CN?: string; O?: string | string[] }
  if (!commonName) return undefined
  const sha256 = fingerprint256?.replaceAll(':', '').toLowerCase()
  return { commonName, organizations: [organization].flat(), ...(sha256 ? { sha256 } : {}) }
}
