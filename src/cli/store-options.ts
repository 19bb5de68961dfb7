// Where a cluster keeps its objects, as it is typed: `--store` and the flags of an etcd.

import { resolve } from 'node:path'
import type { StoreSettings } from '../cmd/server-store.ts'
import type { ClusterState, EtcdAccess, StoreKind } from '../cluster/state.ts'
import type { Given, Option } from './command.ts'
import { wrong } from './inputs.ts'
import type { Session } from './session.ts'

export const ETCD_FILE_OPTIONS: readonly Option[] = [
  { flags: '--etcd-cafile <file>', about: "authority of etcd's certificates" },
  { flags: '--etcd-certfile <file>', about: 'certificate to show to etcd' },
  { flags: '--etcd-keyfile <file>', about: 'its key' },
]

const ETCD = 'etcd='
const FILES = { cafile: 'etcdCafile', certfile: 'etcdCertfile', keyfile: 'etcdKeyfile' } as const

export const isEtcd = (store: string): store is `etcd=${string}` => store.startsWith(ETCD)

export interface ChosenStore {
  readonly store: StoreKind | undefined
  readonly etcd: EtcdAccess | undefined
}

/** What `drover up` is asked for, checked as far as it can be without an etcd. Clusters that share one have a prefix each. */
export async function chosenStore(
  session: Session,
  given: Given,
  { name, configured }: { name: string; configured: StoreKind | undefined },
): Promise<ChosenStore> {
  const store = given.text('store') ?? configured
  if (store === undefined || store === 'lmdb' || store === 'memory') {
    const stray = Object.entries({ ...FILES, prefix: 'etcdPrefix' }).find(([, flag]) => given.text(flag) !== undefined)
    if (stray) throw wrong(`--etcd-${stray[0]} is of no use without an etcd`, 'use --store etcd=https://HOST:2379,…')
    return { store, etcd: undefined }
  }
  if (!isEtcd(store))
    throw wrong(`"${store}" is not a value for --store`, 'use one of: lmdb, memory, etcd=https://HOST:2379,…')
  const files = Object.entries(FILES).flatMap(([file, flag]) => {
    const path = given.text(flag)
    return path === undefined ? [] : [[file, resolve(session.cwd, path)] as const]
  })
  const etcd: EtcdAccess = { prefix: given.text('etcdPrefix') ?? `/drover-${name}`, ...Object.fromEntries(files) }
  await etcdSettings(store, etcd)
  return { store, etcd }
}

/** How the server of a cluster speaks to its etcd; undefined: it has none. */
export async function etcdSettingsOf({ store, etcd }: ClusterState): Promise<StoreSettings | undefined> {
  return etcd === undefined ? undefined : etcdSettings(store, etcd)
}

async function etcdSettings(store: string, { prefix, cafile, certfile, keyfile }: EtcdAccess): Promise<StoreSettings> {
  const { storeSettingsOf } = await import('../cmd/server-store.ts')
  const values = {
    store,
    'etcd-prefix': prefix,
    'etcd-cafile': cafile,
    'etcd-certfile': certfile,
    'etcd-keyfile': keyfile,
  }
  return storeSettingsOf((flag) => values[flag] ?? '')
}
