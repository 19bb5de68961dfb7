// The other door: an API server reached over HTTPS, as by any client.

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, type RequestOptions, request as httpsRequest } from 'node:https'
import { StatusError, type Status, statusErrorFrom } from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Client, ObjectEvent } from './client.ts'
import { clientOver, type Transport, type TransportRequest } from './door-client.ts'
import type { EventType } from './door.ts'

export interface HttpClientOptions {
  /** `https://127.0.0.1:6443` */
  server: string
  /** PEM of the CA that the server's certificate must be signed by. */
  ca: string
  /** PEM of a client certificate and its key … */
  certificate?: string
  key?: string
  /** … or a bearer token, read anew for every request so that it can be rotated. */
  token?(): string
  userAgent: string
  /** Requests under way at once; more wait. Watches do not count. */
  maxConnections?: number
}

/** An answer longer than this is not read to its end. */
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024
/** A watch's event longer than this is not an object that a server may store. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024
/** A server that is silent for this long before it answers is not there (watches aside, which may be silent). */
const ANSWER_TIMEOUT_MS = 60_000

export interface HttpClient extends Client, Disposable {
  /** New connections are made with another client certificate; what is under way goes on with the old one. */
  rotate(credentials: { certificate: string; key: string }): void
}

export function httpClient(options: HttpClientOptions): HttpClient {
  const tls = {
    ca: options.ca,
    ...(options.certificate === undefined ? {} : { cert: options.certificate }),
    ...(options.key === undefined ? {} : { key: options.key }),
  }
  const agent = new Agent({ keepAlive: true, maxSockets: options.maxConnections ?? 16, ...tls })
  // A watch holds its connection: it must not keep others from theirs.
  const watchAgent = new Agent({ keepAlive: false, ...tls })
  const transport = httpTransport(options, agent, watchAgent)
  return {
    ...clientOver(transport),
    rotate({ certificate, key }) {
      for (const one of [agent, watchAgent]) Object.assign(one.options, { cert: certificate, key })
    },
    [Symbol.dispose]() {
      agent.destroy()
      watchAgent.destroy()
    },
  }
}

function httpTransport(options: HttpClientOptions, agent: Agent, watchAgent: Agent): Transport {
  return {
    async request(request) {
      const response = await send(options, agent, request, ANSWER_TIMEOUT_MS)
      const body = parse(await readAll(response))
      const code = response.statusCode ?? 0
      if (code >= 400) throw statusErrorFrom(body, code)
      return body as DeepReadonly<unknown>
    },
    async *watch(request) {
      const response = await send(options, watchAgent, request, 0)
      const code = response.statusCode ?? 0
      if (code >= 400) throw statusErrorFrom(parse(await readAll(response)), code)
      try {
        yield* eventsOf(response)
      } finally {
        response.destroy()
      }
    },
  }
}

async function send(
  { server, userAgent, token }: HttpClientOptions,
  agent: Agent,
  { method, path, query, body, contentType, signal }: TransportRequest,
  timeoutMs: number,
): Promise<IncomingMessage> {
  const text = query.toString()
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const init: RequestOptions = {
    method,
    agent,
    headers: {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(payload ? { 'content-type': contentType ?? 'application/json', 'content-length': payload.length } : {}),
      ...(token ? { authorization: `Bearer ${token()}` } : {}),
    },
    ...(signal ? { signal } : {}),
    ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
  }
  const request = httpsRequest(new URL(path + (text === '' ? '' : `?${text}`), server), init)
  request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
  request.end(payload)
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return response
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw new Error(`Cannot reach the API server at ${server}`, { cause: error })
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes: Buffer = part
    size += bytes.length
    if (size > MAX_ANSWER_BYTES) throw new Error(`Cannot read the answer: it is longer than ${MAX_ANSWER_BYTES} bytes`)
    parts.push(bytes)
  }
  return Buffer.concat(parts, size)
}

function parse(bytes: Buffer): unknown {
  const text = bytes.toString()
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

interface EventLine {
  type: EventType
  object: unknown
}

/** The lines of a watch, gathered by what arrived together. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<readonly ObjectEvent<unknown>[]> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const part of response) {
    let bytes: Buffer = part
    let end = bytes.lastIndexOf(NEWLINE)
    if (end < 0) {
      rest.push(bytes)
      restBytes += bytes.length
      if (restBytes > MAX_EVENT_BYTES)
        throw new Error(`Cannot read a watch event: it is longer than ${MAX_EVENT_BYTES} bytes`)
      continue
    }
    if (rest.length > 0) {
      bytes = Buffer.concat([...rest, bytes])
      end += restBytes
    }
    rest = end + 1 < bytes.length ? [bytes.subarray(end + 1)] : []
    restBytes = bytes.length - end - 1
    const lines = bytes.toString('utf8', 0, end).split('\n')
    yield lines.filter((line) => line !== '').map(eventOf)
  }
}

const NEWLINE = 0x0a

function eventOf(line: string): ObjectEvent<unknown> {
  const { type, object } = JSON.parse(line) as EventLine
  if (type === 'ERROR') throw new StatusError(object as Status)
  return { type, object: object as DeepReadonly<unknown> }
}
