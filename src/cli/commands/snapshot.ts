// `drover snapshot save`, `drover snapshot restore`: all objects of a cluster as one file, the same for every store.

import type { SnapshotPlace } from '../../cmd/snapshots.ts'
import { type Command, type Given, NAME_OPTION, nameOf, type Option, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON, wrong } from '../inputs.ts'
import { bytesText, type Session } from '../session.ts'
import { ETCD_FILE_OPTIONS, etcdSettingsOf, isEtcd } from '../store-options.ts'

const WHERE: readonly Option[] = [
  NAME_OPTION,
  { flags: '--data-dir <dir>', about: 'data directory of a server that drover up did not start' },
  { flags: '--store <store>', about: 'etcd=URL,… of servers that share an etcd' },
  ...ETCD_FILE_OPTIONS,
  { flags: '--etcd-prefix <prefix>', about: 'below which keys in etcd', default: '/drover' },
  OUTPUT_OPTION,
]

export const snapshotSave: Command = {
  use: 'snapshot save <file>',
  short: 'Save all objects, as of one moment, to a file',
  options: WHERE,
  async run(session, given) {
    const file = given.args[0] ?? ''
    const { saveSnapshot } = await import('../../cmd/snapshots.ts')
    const { revision, timeMs, entries, bytes } = await saveSnapshot(file, await placeOf(session, given), session)
    if (wantsJSON(given)) {
      const time = new Date(timeMs).toISOString()
      const saved = { schemaVersion: 1, file, revision, time, objects: entries, bytes }
      return session.out(`${JSON.stringify(saved, undefined, 2)}\n`)
    }
    session.err(`Saved ${entries} objects as of revision ${revision} (${bytesText(bytes)}) to ${file}\n`)
    session.err('Certificates are not in it: keep pki/ of the data directory as well\n')
  },
}

export const snapshotRestore: Command = {
  use: 'snapshot restore <file>',
  short: 'Make a stopped cluster hold exactly the objects of a snapshot',
  options: WHERE,
  async run(session, given) {
    const file = given.args[0] ?? ''
    const { restoreFrom } = await import('../../cmd/snapshots.ts')
    const restored = await restoreFrom(file, await placeOf(session, given), session)
    if (wantsJSON(given))
      return session.out(`${JSON.stringify({ schemaVersion: 1, file, ...restored }, undefined, 2)}\n`)
    const { written, deleted, unchanged } = restored
    session.err(`Restored ${file}: ${written} objects written, ${deleted} deleted, ${unchanged} were right already\n`)
  },
}

async function placeOf(session: Session, given: Given): Promise<SnapshotPlace> {
  const store = given.text('store')
  if (store !== undefined) {
    if (!isEtcd(store)) throw wrong(`"${store}" is not an etcd`, 'use --store etcd=https://HOST:2379,…')
    const { storeSettingsOf } = await import('../../cmd/server-store.ts')
    return { engine: 'shared', settings: await storeSettingsOf((flag) => given.text(camelCase(flag)) ?? '') }
  }
  const directory = given.text('dataDir')
  if (directory !== undefined) {
    const { resolve } = await import('node:path')
    return { engine: 'local', dataDirectory: resolve(session.cwd, directory), name: undefined, memory: false }
  }
  const { findCluster } = await import('../clusters.ts')
  const { places, state } = findCluster(session, given)
  const settings = await etcdSettingsOf(state)
  if (settings !== undefined) return { engine: 'shared', settings }
  return { engine: 'local', dataDirectory: places.data, name: nameOf(session, given), memory: state.store === 'memory' }
}

const camelCase = (flag: string): string => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
