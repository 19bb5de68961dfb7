// Refuses an upgrade with an ordinary HTTP answer.
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** The upgrade was refused and the client has its answer: nothing is left to send. */
export class UpgradeRefused extends Error {
  override name = 'UpgradeRefused'
}

/** A string is sent as text, anything else (a Status) as JSON. */
export function rejectUpgrade(socket: Duplex, code: number, body: string | object): void {
  const [type, text] =
    typeof body === 'string' ? ['text/plain; charset=utf-8', body] : ['application/json', JSON.stringify(body)]
  socket.on('error', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nContent-Type: ${type}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
  socket.resume()
}
