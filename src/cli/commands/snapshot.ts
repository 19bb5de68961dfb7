// `drover snapshot save`, `drover snapshot restore`: all objects of a cluster as one file, the same for every store.

import type { Command, Given, Option } from '../command.ts'
import { NAME_OPTION, nameOf, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON, wrong } from '../inputs.ts'
import { bytesText, type Session } from '../session.ts'
import type { Store } from '../../store/store.ts'

const WHERE: readonly Option[] = [
  NAME_OPTION,
  { flags: '--data-dir <dir>', about: 'data directory of a server that drover up did not start' },
  { flags: '--store <store>', about: 'etcd=URL,… of servers that share an etcd' },
  { flags: '--etcd-cafile <file>', about: "authority of etcd's certificates" },
  { flags: '--etcd-certfile <file>', about: 'certificate to show to etcd' },
  { flags: '--etcd-keyfile <file>', about: 'its key' },
  { flags: '--etcd-prefix <prefix>', about: 'below which keys in etcd (default /drover)' },
  OUTPUT_OPTION,
]

export const snapshotSave: Command = {
  use: 'snapshot save <file>',
  short: 'Save all objects, as of one moment, to a file',
  options: WHERE,
  async run(session, given) {
    const path = given.args[0] ?? ''
    const { saveTo } = await import('../snapshot-file.ts')
    const { snapshotOf } = await import('../../store/snapshot/snapshot.ts')
    const place = await placeOf(session, given)
    const running = place.engine === 'etcd' ? undefined : await runningServer(place.dataDirectory)
    await using stack = new AsyncDisposableStack()
    if (running) stack.defer(() => void running.destroy())
    const chunks = running ?? snapshotOf(stack.use(await openPlace(session, place, 'save')), session.clock.now())
    const { revision, timeMs, entries, bytes } = await saveTo(path, chunks, session)
    if (wantsJSON(given)) {
      const time = new Date(timeMs).toISOString()
      const saved = { schemaVersion: 1, file: path, revision, time, objects: entries, bytes }
      return session.out(`${JSON.stringify(saved, undefined, 2)}\n`)
    }
    session.err(`Saved ${entries} objects as of revision ${revision} (${bytesText(bytes)}) to ${path}\n`)
    session.err('Certificates are not in it: keep pki/ of the data directory as well\n')
  },
}

export const snapshotRestore: Command = {
  use: 'snapshot restore <file>',
  short: 'Make a stopped cluster hold exactly the objects of a snapshot',
  options: WHERE,
  async run(session, given) {
    const path = given.args[0] ?? ''
    const { checkedSnapshot, ttlSecondsOf } = await import('../snapshot-file.ts')
    const { restoreSnapshot } = await import('../../store/snapshot/snapshot.ts')
    await checkedSnapshot(path)
    const place = await placeOf(session, given)
    await using store = await openPlace(session, place, 'restore')
    const actor = { user: 'drover:snapshot', verb: 'restore', requestID: '', userAgent: 'drover snapshot restore' }
    const restored = await restoreSnapshot({ path, store, actor, ttlSecondsOf })
    if (wantsJSON(given))
      return session.out(`${JSON.stringify({ schemaVersion: 1, file: path, ...restored }, undefined, 2)}\n`)
    const { written, deleted, unchanged } = restored
    session.err(`Restored ${path}: ${written} objects written, ${deleted} deleted, ${unchanged} were right already\n`)
  },
}

type Place =
  | {
      readonly engine: 'local'
      readonly dataDirectory: string
      readonly name: string | undefined
      readonly memory: boolean
    }
  | { readonly engine: 'etcd'; open(): Promise<Store> }

async function placeOf(session: Session, given: Given): Promise<Place> {
  const store = given.text('store')
  if (store !== undefined) {
    if (!store.startsWith('etcd=')) throw wrong(`"${store}" is not an etcd`, 'use --store etcd=https://HOST:2379,…')
    const { openStore, storeSettingsOf } = await import('../../cmd/server-store.ts')
    const settings = await storeSettingsOf(
      (flag) =>
        given.text(flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())) ??
        (flag === 'etcd-prefix' ? '/drover' : ''),
    )
    return { engine: 'etcd', open: () => openStore(settings, '', session.log) }
  }
  const directory = given.text('dataDir')
  if (directory !== undefined) {
    const { resolve } = await import('node:path')
    return { engine: 'local', dataDirectory: resolve(session.cwd, directory), name: undefined, memory: false }
  }
  const { findCluster } = await import('../clusters.ts')
  const { places, state } = findCluster(session, given)
  return { engine: 'local', dataDirectory: places.data, name: nameOf(session, given), memory: state.store === 'memory' }
}

/** A connection on which a running server sends a snapshot; undefined when none runs. */
async function runningServer(dataDirectory: string) {
  const { connect } = await import('node:net')
  const { once } = await import('node:events')
  const { snapshotSocketOf } = await import('../../cmd/snapshot-door.ts')
  const { hasCode } = await import('../../base/node/user-error.ts')
  const socket = connect(snapshotSocketOf(dataDirectory))
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined
    throw error
  }
}

async function openPlace(session: Session, place: Place, to: 'save' | 'restore'): Promise<Store> {
  if (place.engine === 'etcd') return place.open()
  const { existsSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { UserError } = await import('../../base/node/user-error.ts')
  const { dataDirectory, name, memory } = place
  if (memory)
    throw new UserError(`Cannot ${to} the objects of "${name}": they are in memory, and gone when it is stopped`, {
      remedy: to === 'save' ? 'start it: drover start' : 'make a cluster that keeps them: drover up --store lmdb',
    })
  const directory = join(dataDirectory, 'store')
  if (!existsSync(directory) && (to === 'save' || name === undefined))
    throw new UserError(`There is no store in "${dataDirectory}"`, { remedy: 'name the data directory of a server' })
  const { openLmdbStore } = await import('../../store/lmdb/lmdb.ts')
  const { StoreLockedError } = await import('../../store/store.ts')
  const { retentionOf } = await import('../../apiserver/retention.ts')
  const { clock, log } = session
  try {
    return await openLmdbStore({ clock, log, directory, retention: retentionOf })
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    const stop = name === undefined ? 'stop the server first' : `stop it first: drover stop -n ${name}`
    throw new UserError(`Cannot ${to} while the server runs`, { remedy: stop, cause: error })
  }
}
