// Answers on the bare socket of a request whose upgrade comes to nothing: one ordinary HTTP answer, and the connection ends.

import type { Duplex } from 'node:stream'
import type { ApiResponse } from '../client/door.ts'
import { errorResponse } from './responses.ts'

export function refuseOnSocket(socket: Duplex, error: unknown): void {
  answerOnSocket(socket, errorResponse(error, undefined))
}

/** Answers that are one piece; what would go on for longer is no answer to an upgrade. */
export function answerOnSocket(socket: Duplex, { status, headers, body }: ApiResponse): void {
  const bytes = body.kind === 'object' || body.kind === 'bytes' ? body.bytes : Buffer.alloc(0)
  let head = `HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${[value].flat().join(', ')}\r\n`
  socket.write(`${head}\r\n`)
  socket.end(bytes)
  // What the client sends meanwhile is not read; the end of its side is what lets the connection close.
  socket.resume()
}
