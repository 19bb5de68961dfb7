// Asks a runtime's streaming server (containerd) for a remote command over SPDY/3.1.
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { SpdySession, type SpdyStream } from '../spdy/session.ts'
import {
  type CommandStatus,
  MAX_STATUS_BYTES,
  type RemoteCommandClient,
  type RemoteCommandOptions,
  STREAM_CREATION_TIMEOUT_MS,
} from './session.ts'

/** The upgraded connection; rejects on any answer other than 101, a time-out or an abort. */
export function dialSpdy(
  url: string,
  protocols: readonly string[],
  { clock, signal }: Pick<RemoteCommandOptions, 'clock' | 'signal'>,
): Promise<SpdySession> {
  const { promise, resolve, reject } = Promise.withResolvers<SpdySession>()
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols] }
  const request = httpRequest(url, { method: 'POST', headers, agent: false, signal })
  const timer = clock.after(STREAM_CREATION_TIMEOUT_MS, () => request.destroy(new Error('timed out dialling')))
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

async function readStatus(stream: Readable): Promise<CommandStatus | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.length
      if (size > MAX_STATUS_BYTES) return undefined
      chunks.push(chunk)
    }
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

export async function dialRemoteCommand(url: string, options: RemoteCommandOptions): Promise<RemoteCommandClient> {
  const session = await dialSpdy(url, ['v4.channel.k8s.io'], options)
  const close = (): void => session.close()
  options.signal.addEventListener('abort', close, { once: true })
  void session.closed.then(() => options.signal.removeEventListener('abort', close))
  const timer = options.clock.after(STREAM_CREATION_TIMEOUT_MS, close)
  const open = async (type: string): Promise<SpdyStream> => {
    const stream = await session.open(new Map([['streamtype', [type]]]))
    stream.on('error', () => {})
    return stream
  }
  try {
    const error = await open('error')
    error.end()
    const client: RemoteCommandClient = { resize: () => {}, status: readStatus(error), close }
    if (options.stdin) {
      client.stdin = await open('stdin')
    }
    if (options.stdout) client.stdout = (await open('stdout')).end()
    if (options.stderr && !options.tty) client.stderr = (await open('stderr')).end()
    if (options.tty) {
      const sizes = await open('resize')
      client.resize = ({ width, height }) => {
        if (sizes.writable) sizes.write(`${JSON.stringify({ Width: width, Height: height })}\n`)
      }
    }
    return client
  } catch (error) {
    session.close()
    throw error
  } finally {
    timer.cancel()
  }
}
