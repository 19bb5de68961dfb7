// Forwards an authenticated HTTP upgrade to a backend; raw bytes flow only after the backend itself answered 101.
import { type ClientRequest, type IncomingMessage, request as httpRequest, STATUS_CODES } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import type { Clock, Timer } from '../../base/clock.ts'

export interface UpgradeTarget {
  url: URL
  /** For https: whom to trust and who we are. */
  tls?: {
    ca?: string | Buffer
    cert?: string | Buffer
    key?: string | Buffer
    servername?: string
    minVersion?: 'TLSv1.2'
    rejectUnauthorized?: boolean
  }
  /** Its name, where the URL has its address. */
  host?: string
  /** What we say ourselves, in place of what the client said under these names. */
  headers?: Readonly<Record<string, string | string[]>>
}

/** Why an upgrade did not come about: no connection, no answer in time, or an answer other than 101. */
export type UpgradeFailure =
  | { readonly kind: 'unreachable'; readonly error: Error }
  | { readonly kind: 'silent' }
  | { readonly kind: 'refused'; readonly status: number; readonly body: Buffer }

export interface UpgradeProxyOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** May answer the client when there is nothing to upgrade to, and says whether it did. Else it gets the refusal as it is, a 502 or a 504. */
  explain?(failure: UpgradeFailure): Promise<boolean>
}

/** How long a backend may take to accept a connection (with TLS), and from then on to answer. */
export const DIAL_TIMEOUT_MS = 30_000
export const ANSWER_TIMEOUT_MS = 60_000
/** Past this much, a backend's refusal is cut: it is an error page, not a download. */
const MAX_REFUSAL_BYTES = 1 << 20
/** The door, two pipelines and this proxy each listen for the end of a client's socket: a known number, not a leak. */
const SOCKET_LISTENERS = 24
/** The client's identity ends at the API server, and hop-by-hop headers at every hop. */
const DROPPED = new Set(
  'authorization cookie proxy-authorization proxy-connection proxy-authenticate keep-alive te trailer transfer-encoding content-length host connection upgrade expect'.split(
    ' ',
  ),
)

/** The headers that may travel on: neither the client's credentials, nor what it named in `Connection`, nor what it claims to be. */
export function forwardedHeaders(request: IncomingMessage): Record<string, string | string[]> {
  const named = new Set((request.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || DROPPED.has(name) || named.has(name)) continue
    if (name.startsWith('impersonate-') || name.startsWith('x-remote-')) continue
    kept[name] = value
  }
  // A bearer token can also hide among the WebSocket subprotocols.
  const protocols = request.headers['sec-websocket-protocol']
  if (protocols !== undefined) {
    const safe = protocols
      .split(',')
      .filter((name) => !name.trim().startsWith('base64url.bearer.authorization.k8s.io.'))
    if (safe.length > 0) kept['sec-websocket-protocol'] = safe.join(',')
    else delete kept['sec-websocket-protocol']
  }
  return kept
}

function head(status: number, message: string | undefined, raw: readonly string[], drop: ReadonlySet<string>): string {
  let text = `HTTP/1.1 ${status} ${message || (STATUS_CODES[status] ?? '')}\r\n`
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    if (!drop.has(name.toLowerCase())) text += `${name}: ${raw[at + 1]}\r\n`
  }
  return text
}

async function refusalOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_REFUSAL_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES)
}

function refuse(client: Duplex, answer: IncomingMessage, body: Buffer): void {
  const drop = new Set([...DROPPED, 'set-cookie'])
  const status = answer.statusCode ?? 502
  client.write(
    `${head(status, answer.statusMessage, answer.rawHeaders, drop)}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  client.end(body)
  client.resume()
}

function endWith(client: Duplex, status: 502 | 504): void {
  if (!client.writable) return
  client.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  client.resume()
}

/** Gives the backend its time to be connected to, and then its time to answer. */
function limitTimes(
  backend: ClientRequest,
  secure: boolean,
  clock: Clock,
  expired: (during: 'dial' | 'answer') => void,
) {
  let timer: Timer = clock.after(DIAL_TIMEOUT_MS, () => expired('dial'))
  let over = false
  backend.once('socket', (socket) =>
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      timer.cancel()
      if (!over) timer = clock.after(ANSWER_TIMEOUT_MS, () => expired('answer'))
    }),
  )
  return {
    cancel: (): void => {
      over = true
      timer.cancel()
    },
  }
}

function join(client: Duplex, socket: Duplex, signal: AbortSignal | undefined): void {
  const done = (error: Error | null | undefined): void => {
    if (!error) return
    client.destroy()
    socket.destroy()
  }
  pipeline(client, socket, done)
  pipeline(socket, client, done)
  signal?.addEventListener('abort', () => client.destroy(), { once: true })
  client.once('close', () => socket.destroy())
}

/** Resolves when both sides are done. Redirects are answered to the client like any other refusal. */
export function proxyUpgrade(
  request: IncomingMessage,
  client: Duplex,
  first: Buffer,
  { url, tls, host = url.host, headers }: UpgradeTarget,
  { signal, clock, explain }: UpgradeProxyOptions,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const options = {
    method: request.method ?? 'GET',
    headers: {
      ...forwardedHeaders(request),
      ...headers,
      host,
      connection: 'Upgrade',
      upgrade: request.headers.upgrade ?? '',
    },
    agent: false as const,
    ...(signal ? { signal } : {}),
  }
  const backend = url.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options)
  // At once: a client that already half-closed would otherwise have ended by the time the backend answers.
  if (first.length > 0) client.unshift(first)
  client.setMaxListeners(SOCKET_LISTENERS)
  client.on('error', () => client.destroy())
  const fail = async (failure: UpgradeFailure, otherwise: () => void): Promise<void> => {
    times.cancel()
    if (!client.writable || !(await explain?.(failure).catch(() => false))) otherwise()
  }
  let answered = false
  let silent = false
  const times = limitTimes(backend, url.protocol === 'https:', clock, (during) => {
    silent = during === 'answer'
    backend.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' }))
  })
  client.once('close', () => {
    times.cancel()
    backend.destroy()
    resolve()
  })
  backend.once('upgrade', (answer, socket, rest) => {
    answered = true
    times.cancel()
    if (answer.statusCode !== 101) {
      socket.destroy()
      return endWith(client, 502)
    }
    client.write(`${head(101, answer.statusMessage, answer.rawHeaders, new Set(['set-cookie']))}\r\n`)
    if (rest.length > 0) socket.unshift(rest)
    join(client, socket, signal)
  })
  backend.once('response', (answer) => {
    answered = true
    refusalOf(answer)
      .then((body) =>
        fail({ kind: 'refused', status: answer.statusCode ?? 502, body }, () => refuse(client, answer, body)),
      )
      .catch(() => client.destroy())
      .finally(() => backend.destroy())
  })
  backend.on('error', (error) => {
    if (answered) return
    answered = true
    const failure: UpgradeFailure = silent ? { kind: 'silent' } : { kind: 'unreachable', error }
    void fail(failure, () => endWith(client, silent ? 504 : 502))
  })
  backend.end()
  return promise
}
