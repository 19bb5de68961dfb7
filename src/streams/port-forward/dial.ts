// Asks a runtime's streaming server (containerd) for port-forwarding over SPDY/3.1: a data and an error stream per connection.
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Clock } from '../../base/clock.ts'
import { dialSpdy } from '../upgrade/dial-spdy.ts'

export interface PortForwardClient {
  /** One connection to a port of the pod. `error` settles when the connection ended: undefined when it ended well. */
  connect(port: number): Promise<{ data: Duplex; error: Promise<string | undefined> }>
  closed: Promise<void>
  close(): void
}

export async function dialPortForward(
  url: string,
  options: { clock: Clock; signal: AbortSignal },
): Promise<PortForwardClient> {
  const session = await dialSpdy(url, ['portforward.k8s.io'], options)
  const close = (): void => session.close()
  options.signal.addEventListener('abort', close, { once: true })
  void session.closed.then(() => options.signal.removeEventListener('abort', close))
  let requests = 0
  return {
    closed: session.closed,
    close,
    async connect(port) {
      const headers = (type: string): Map<string, string[]> =>
        new Map([
          ['streamtype', [type]],
          ['port', [String(port)]],
          ['requestid', [id]],
        ])
      const id = String(requests++)
      const errors = await session.open(headers('error'))
      errors.end()
      const error = text(errors).then(
        (message) => (message === '' ? undefined : message),
        (cause: Error) => cause.message,
      )
      const data = await session.open(headers('data'))
      data.on('error', () => {})
      return { data, error }
    },
  }
}
