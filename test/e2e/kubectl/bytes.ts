// Bytes to send through connections, and what comes back of them.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'

export const noise = (size: number): Buffer => randomBytes(size)

/** Sends everything, ends its half, and gives what came until the other half ended. */
export async function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(bytes)
  return await buffer(socket)
}

/** Whether the other side closes the connection without having said a word. */
export async function isTurnedAway(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  let said = 0
  socket.on('data', (chunk) => {
    said += chunk.length
  })
  // Closed or reset, as the system sees fit.
  socket.on('error', () => {})
  await once(socket, 'close')
  return said === 0
}

/** A page behind an address that is just being set up: asked for anew until somebody answers. Each time by a connection of its own: who answers is decided for one. */
export async function pageOf(url: string): Promise<string> {
  for (;;) {
    const page = await askFor(url).catch(() => undefined)
    if (page !== undefined) return page
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function askFor(url: string): Promise<string | undefined> {
  const asked = get(url, { agent: false, signal: AbortSignal.timeout(2000) })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const page = await text(answer)
  return answer.statusCode === 200 ? page : undefined
}
