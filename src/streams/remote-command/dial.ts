// Asks a runtime's streaming server (containerd) for a remote command over SPDY/3.1.
import type { Readable } from 'node:stream'
import type { SpdyStream } from '../spdy/session.ts'
import { dialSpdy } from '../upgrade/dial-spdy.ts'
import {
  type CommandStatus,
  MAX_STATUS_BYTES,
  type RemoteCommandClient,
  type RemoteCommandOptions,
  STREAM_CREATION_TIMEOUT_MS,
} from './session.ts'

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
