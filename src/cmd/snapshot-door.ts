// Through this door a running server hands out snapshots: a socket in its data directory, which only the directory's owner can reach.

import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Store } from '../store/store.ts'
import { snapshotOf } from '../store/snapshot/snapshot.ts'

/** Each reads the whole store. */
const MAX_CONNECTIONS = 2
/** What the kernel takes as the path of a socket. */
const MAX_SOCKET_PATH_BYTES = 107

/** Whoever connects is sent a snapshot, and nothing else. */
export const snapshotSocketOf = (dataDirectory: string): string => join(dataDirectory, 'control', 'snapshot.sock')

export async function openSnapshotDoor(dataDirectory: string, store: Store, log: Logger): Promise<AsyncDisposable> {
  const path = snapshotSocketOf(dataDirectory)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    log.warn('No snapshots can be taken while the server runs: the path of the data directory is too long', { path })
    return { async [Symbol.asyncDispose]() {} }
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  chmodSync(dirname(path), 0o700)
  // What a killed server has left: the store is ours, so nobody else listens here.
  rmSync(path, { force: true })
  const stop = new AbortController()
  const running = new Set<Promise<void>>()
  const server = createServer((socket) => {
    const sending = pipeline(Readable.from(snapshotOf(store, systemClock.now())), socket, { signal: stop.signal })
      // The one who asked finds the snapshot cut short.
      .catch((error: unknown) => log.warn('Could not send a snapshot', { error }))
      .finally(() => running.delete(sending))
    running.add(sending)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(path)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      const closed = once(server, 'close')
      server.close()
      await closed
      await Promise.all(running)
    },
  }
}
