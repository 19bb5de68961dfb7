// Forwards an authenticated HTTP upgrade to a backend; raw bytes flow only after the backend itself answered 101.
import { type IncomingMessage, request as httpRequest, STATUS_CODES } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'

export interface UpgradeTarget {
  url: URL
  /** For https: whom to trust and who we are. */
  tls?: { ca: string | Buffer; cert?: string | Buffer; key?: string | Buffer; servername?: string }
}

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

async function refuse(client: Duplex, answer: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_REFUSAL_BYTES) break
  }
  const body = Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES)
  const drop = new Set([...DROPPED, 'set-cookie'])
  const status = answer.statusCode ?? 502
  client.write(
    `${head(status, answer.statusMessage, answer.rawHeaders, drop)}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  client.end(body)
  client.resume()
}

/** Resolves when both sides are done. Redirects are answered to the client like any other refusal. */
export function proxyUpgrade(
  request: IncomingMessage,
  client: Duplex,
  first: Buffer,
  { url, tls }: UpgradeTarget,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const options = {
    method: request.method ?? 'GET',
    headers: {
      ...forwardedHeaders(request),
      host: url.host,
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
  client.once('close', () => {
    backend.destroy()
    resolve()
  })
  backend.once('upgrade', (answer, socket, rest) => {
    if (answer.statusCode !== 101) {
      socket.destroy()
      client.end(`HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    client.write(`${head(101, answer.statusMessage, answer.rawHeaders, new Set(['set-cookie']))}\r\n`)
    if (rest.length > 0) socket.unshift(rest)
    const done = (error: Error | null | undefined): void => {
      if (error) {
        client.destroy()
        socket.destroy()
      }
    }
    pipeline(client, socket, done)
    pipeline(socket, client, done)
    signal?.addEventListener('abort', () => client.destroy(), { once: true })
    client.once('close', () => socket.destroy())
  })
  backend.once('response', (answer) => {
    refuse(client, answer)
      .catch(() => client.destroy())
      .finally(() => backend.destroy())
  })
  backend.once('error', () => {
    if (client.writable) client.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  backend.end()
  return promise
}
