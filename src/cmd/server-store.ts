// Where the server keeps objects, as its flags say it: in a directory, in memory, or in an etcd that servers share.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { UserError } from '../base/node/user-error.ts'
import { retentionOf } from '../apiserver/retention.ts'
import type { EtcdTls } from '../store/etcd/etcd.ts'
import type { Store } from '../store/store.ts'

export const STORE_HELP = `\
  --store lmdb|memory|etcd=URL,…
                             where objects are kept (default lmdb). Servers that share an etcd also need
                             the same certificates: copy DATA-DIR/pki from the first one
  --etcd-cafile FILE         authority of etcd's certificates
  --etcd-certfile FILE       certificate to show to etcd
  --etcd-keyfile FILE        its key
  --etcd-prefix PREFIX       below which keys in etcd (default /drover)
`

export const STORE_FLAGS = {
  store: { type: 'string', default: 'lmdb' },
  'etcd-cafile': { type: 'string' },
  'etcd-certfile': { type: 'string' },
  'etcd-keyfile': { type: 'string' },
  'etcd-prefix': { type: 'string', default: '/drover' },
} as const

type StoreFlag = keyof typeof STORE_FLAGS

export type StoreSettings =
  | { readonly engine: 'lmdb' | 'memory' }
  | { readonly engine: 'etcd'; readonly endpoints: readonly string[]; readonly prefix: string; readonly tls: EtcdTls }

const ETCD = 'etcd='

export async function storeSettingsOf(flag: (name: StoreFlag) => string): Promise<StoreSettings> {
  const store = flag('store')
  if (store.startsWith(ETCD)) return etcdSettings(store.slice(ETCD.length), flag)
  const stray = (['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'] as const).find((name) => flag(name) !== '')
  if (stray !== undefined)
    throw new UserError(`--${stray} is of no use with --store ${store}`, {
      remedy: 'use --store etcd=https://HOST:2379, or leave it out',
      exitCode: 2,
    })
  if (store !== 'lmdb' && store !== 'memory')
    throw new UserError(`"${store}" is not a store`, {
      remedy: 'use --store lmdb, --store memory or --store etcd=https://HOST:2379,…',
      exitCode: 2,
    })
  return { engine: store }
}

async function etcdSettings(text: string, flag: (name: StoreFlag) => string): Promise<StoreSettings> {
  // gRPC is loaded only where etcd is used.
  const { parseEndpoints } = await import('../store/etcd/etcd.ts')
  const usage = { remedy: 'see: drover server --help', exitCode: 2 } as const
  const prefix = flag('etcd-prefix')
  if (!prefix.startsWith('/') || prefix.replaceAll('/', '') === '')
    throw new UserError(`"${prefix}" is not a prefix for --etcd-prefix: it must be like /drover`, usage)
  if ((flag('etcd-certfile') === '') !== (flag('etcd-keyfile') === ''))
    throw new UserError('--etcd-certfile and --etcd-keyfile belong together', usage)
  const ca = pemOf('etcd-cafile', flag)
  const certificate = pemOf('etcd-certfile', flag)
  const key = pemOf('etcd-keyfile', flag)
  try {
    return {
      engine: 'etcd',
      endpoints: parseEndpoints(text),
      prefix,
      tls: {
        ...(ca === undefined ? {} : { ca }),
        ...(certificate === undefined ? {} : { certificate }),
        ...(key === undefined ? {} : { key }),
      },
    }
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), usage)
  }
}

function pemOf(name: StoreFlag, flag: (name: StoreFlag) => string): string | undefined {
  const path = flag(name)
  if (path === '') return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`Cannot read --${name} "${path}"`, {
      remedy: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
}

export async function openStore(settings: StoreSettings, dataDirectory: string, log: Logger): Promise<Store> {
  const options = { clock: systemClock, log: log.child({ component: 'store' }), retention: retentionOf }
  if (settings.engine === 'memory') {
    const { openMemoryStore } = await import('../store/memory/memory.ts')
    return openMemoryStore(options)
  }
  if (settings.engine === 'etcd') {
    const { openEtcdStore } = await import('../store/etcd/etcd.ts')
    const { endpoints, prefix, tls } = settings
    try {
      return await openEtcdStore({ ...options, endpoints, prefix, tls })
    } catch (error) {
      throw new UserError(`Cannot use the etcd at ${endpoints.join(', ')}`, {
        remedy: error instanceof Error ? error.message : String(error),
        cause: error,
      })
    }
  }
  const { openLmdbStore } = await import('../store/lmdb/lmdb.ts')
  return openLmdbStore({ ...options, directory: join(dataDirectory, 'store') })
}
