// The etcd engine passes the contract on a real etcd.

import { after } from 'node:test'
import { storeConformance } from '../../../src/store/conformance.ts'
import { openEtcdStore } from '../../../src/store/etcd/etcd.ts'
import type { Store, StoreOptions } from '../../../src/store/store.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'
import { rebased } from './rebased.ts'

const etcd = await startEtcd()
after(() => etcd[Symbol.asyncDispose]())
let opened = 0

const actor = { user: 'setup', verb: 'create', requestID: '' }

/** The last revision before a test is the new store's own: waiting for an end of the log that others made takes a revision, and the contract's tests count them. */
async function openStore(options: StoreOptions): Promise<Store> {
  const place = { ...options, endpoints: [etcd.endpoint], prefix: `/conformance/${opened++}` }
  {
    await using first = await openEtcdStore(place)
    for (const value of [Buffer.from(''), null]) await first.write({ key: 'setup/x', value, actor })
  }
  return rebased(await openEtcdStore(place))
}

storeConformance('etcd', openStore, { retention: false, ttlByClock: false })
