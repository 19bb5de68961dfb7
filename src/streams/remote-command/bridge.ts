// Joins a client's remote command to the runtime's: bytes with back-pressure, half-close, terminal sizes, the outcome.
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { RemoteCommandClient, RemoteCommandSession } from './session.ts'

async function pump(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined) return
  if (to === undefined) {
    from.resume()
    return
  }
  to.on('error', () => from.resume())
  // A writer that is gone must not leave the reader paused: the status comes behind its bytes.
  to.on('close', () => from.resume())
  from.pipe(to)
  await finished(from, { writable: false }).catch(() => {})
  to.end()
}

/** Resolves once the outcome was told, or either side went away. */
export async function bridge(
  server: RemoteCommandSession,
  client: RemoteCommandClient,
  signal: AbortSignal,
): Promise<void> {
  const close = (): void => client.close()
  signal.addEventListener('abort', close, { once: true })
  void server.closed.then(close)
  void pump(server.stdin, client.stdin)
  void (async () => {
    for await (const size of server.resize) client.resize(size)
  })()
  const output = Promise.all([pump(client.stdout, server.stdout), pump(client.stderr, server.stderr)])
  try {
    const status = await client.status
    await output
    await server.finish(
      status ?? {
        status: 'Failure',
        message: 'Internal error occurred: the connection to the container runtime was lost',
        reason: 'InternalError',
        code: 500,
      },
    )
  } finally {
    signal.removeEventListener('abort', close)
    client.close()
  }
}
