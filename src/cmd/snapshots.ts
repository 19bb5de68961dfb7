// Saves the objects of a server to a file, and restores them: from whatever store it keeps them in, while it runs where that is possible.

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { retentionOf } from '../apiserver/retention.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { hasCode, UserError } from '../base/node/user-error.ts'
import type { Random } from '../base/random.ts'
import { type Restored, restoreSnapshot, snapshotOf, type SnapshotSummary } from '../store/snapshot/snapshot.ts'
import { type Store, StoreLockedError } from '../store/store.ts'
import { openStore, type StoreSettings } from './server-store.ts'
import { snapshotSocketOf } from './snapshot-door.ts'
import { checkedSnapshot, saveTo, ttlSecondsOf } from './snapshot-file.ts'

/** Where the objects are. */
export type SnapshotPlace =
  | {
      readonly engine: 'local'
      readonly dataDirectory: string
      /** Of the cluster, when `drover up` made it. */
      readonly name: string | undefined
      readonly memory: boolean
    }
  | { readonly engine: 'shared'; readonly settings: StoreSettings }

interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export async function saveSnapshot(
  path: string,
  place: SnapshotPlace,
  surroundings: Surroundings,
): Promise<SnapshotSummary> {
  const running = place.engine === 'local' ? await runningServer(place.dataDirectory) : undefined
  await using stack = new AsyncDisposableStack()
  if (running) stack.defer(() => void running.destroy())
  const chunks =
    running ?? snapshotOf(stack.use(await openPlace(place, 'save', surroundings)), surroundings.clock.now())
  return await saveTo(path, chunks, surroundings)
}

/** The file is judged first: a bad one is no reason to stop a server. */
export async function restoreFrom(path: string, place: SnapshotPlace, surroundings: Surroundings): Promise<Restored> {
  await checkedSnapshot(path)
  await using store = await openPlace(place, 'restore', surroundings)
  const actor = { user: 'drover:snapshot', verb: 'restore', requestID: '', userAgent: 'drover snapshot restore' }
  return await restoreSnapshot({ path, store, actor, ttlSecondsOf })
}

/** A connection on which a running server sends a snapshot; undefined when none runs. */
async function runningServer(dataDirectory: string): Promise<Socket | undefined> {
  const socket = connect(snapshotSocketOf(dataDirectory))
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined
    throw error
  }
}

async function openPlace(place: SnapshotPlace, to: 'save' | 'restore', { clock, log }: Surroundings): Promise<Store> {
  if (place.engine === 'shared') return openStore(place.settings, '', log)
  const { dataDirectory, name, memory } = place
  if (memory)
    throw new UserError(`Cannot ${to} the objects of "${name}": they are in memory, and gone when it is stopped`, {
      remedy: to === 'save' ? 'start it: drover start' : 'make a cluster that keeps them: drover up --store lmdb',
    })
  const directory = join(dataDirectory, 'store')
  if (!existsSync(directory))
    throw new UserError(`There is no store in "${dataDirectory}"`, { remedy: 'name the data directory of a server' })
  const { openLmdbStore } = await import('../store/lmdb/lmdb.ts')
  try {
    return await openLmdbStore({ clock, log, directory, retention: retentionOf })
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    const stop = name === undefined ? 'stop the server first' : `stop it first: drover stop ${name}`
    throw new UserError(`Cannot ${to} while the server runs`, { remedy: stop, cause: error })
  }
}
