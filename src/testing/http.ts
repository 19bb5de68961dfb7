// Calls the API server's function as the HTTPS door does: method, path with query, headers and bytes in; code, headers and bytes out.

import type { ApiResponse, Handle, Identity, ResponseBody } from '../client/door.ts'

export interface Answer {
  status: number
  headers: ApiResponse['headers']
  bytes: Buffer
  text: string
  /** The body as JSON; undefined when it is none. */
  json: Record<string, unknown>
}

export interface Sent {
  headers?: Readonly<Record<string, string>>
  /** Bytes are sent as they are; anything else as JSON. */
  body?: unknown
  signal?: AbortSignal
}

export type Call = (method: string, path: string, sent?: Sent) => Promise<Answer>

export function callsTo(handle: Handle, identity: Identity): Call {
  return async (method, path, sent = {}) => {
    const response = await rawCall(handle, identity, method, path, sent)
    const bytes = await bytesOf(response.body)
    const text = bytes.toString()
    return { status: response.status, headers: response.headers, bytes, text, json: jsonOf(text) }
  }
}

/** The answer as the server made it, for watches. */
export function rawCall(
  handle: Handle,
  identity: Identity,
  method: string,
  path: string,
  { headers = {}, body, signal }: Sent = {},
): Promise<ApiResponse> {
  const mark = path.indexOf('?')
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  return handle({
    method,
    path: mark < 0 ? path : path.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1)),
    headers: { 'user-agent': 'test', ...(bytes ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(bytes ? { body: bytes } : {}),
    identity,
    signal: signal ?? new AbortController().signal,
  })
}

async function bytesOf(body: ResponseBody): Promise<Buffer> {
  switch (body.kind) {
    case 'empty':
      return Buffer.alloc(0)
    case 'bytes':
    case 'object':
      return body.bytes
    case 'list':
      return Buffer.concat([
        body.head,
        ...body.items.flatMap((item, i) => (i === 0 ? [item.bytes] : [Buffer.from(','), item.bytes])),
        body.tail,
      ])
    case 'pieces':
      return Buffer.concat(Array.from(body.pieces, (piece) => Buffer.from(piece)))
    case 'watch': {
      const lines: Buffer[] = []
      for await (const batch of body.events) lines.push(...batch.map((frame) => frame.line))
      return Buffer.concat(lines)
    }
    case 'stream':
      return Buffer.concat(await Array.fromAsync(body.chunks))
  }
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
