// Opens a SPDY/3.1 session to a streaming server (containerd's) by an HTTP upgrade.
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { SpdySession } from '../spdy/session.ts'

const DIAL_TIMEOUT_MS = 30_000

/** The upgraded connection; rejects on any answer other than 101, a time-out or an abort. */
export function dialSpdy(
  url: string,
  protocols: readonly string[],
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<SpdySession> {
  const { promise, resolve, reject } = Promise.withResolvers<SpdySession>()
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols] }
  const request = httpRequest(url, { method: 'POST', headers, agent: false, signal })
  const timer = clock.after(DIAL_TIMEOUT_MS, () => request.destroy(new Error('timed out dialling')))
  request.once('upgrade', (answer, socket, head) => {
    timer.cancel()
    if (answer.statusCode !== 101) {
      socket.destroy()
      return reject(new Error(`Cannot upgrade the connection: the runtime answered ${answer.statusCode}`))
    }
    // For plain http the upgraded Duplex is a net.Socket.
    ;(socket as Socket).setNoDelay(true)
    if (head.length > 0) socket.unshift(head)
    resolve(new SpdySession(socket, { role: 'client' }))
  })
  request.once('response', (answer) => {
    timer.cancel()
    request.destroy()
    reject(new Error(`Cannot upgrade the connection: the runtime answered ${answer.statusCode}`))
  })
  request.once('error', (error) => {
    timer.cancel()
    reject(error)
  })
  request.end()
  return promise
}
