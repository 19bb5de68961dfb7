// The etcd engine passes the contract on a real etcd.

import { after } from 'node:test'
import { storeConformance } from '../../../src/store/conformance.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { openEtcdStore } from '../../../src/store/etcd/etcd.ts'
import { NUDGE_MS } from '../../../src/store/etcd/feed.ts'
import type { Store, StoreOptions } from '../../../src/store/store.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'
import { rebased } from './rebased.ts'

const etcd = await startEtcd()
after(() => etcd[Symbol.asyncDispose]())
let opened = 0

const actor = { user: 'setup', verb: 'create', requestID: '' }

/** The last revision before a test is the new store's own: waiting for an end of the log that others made takes a revision, and the contract's tests count them. */
async function openStore(options: StoreOptions): Promise<Store> {
  const clock = eitherClock(options.clock)
  const place = { ...options, clock, endpoints: [etcd.endpoint], prefix: `/conformance/${opened++}` }
  {
    await using first = await openEtcdStore(place)
    for (const value of [Buffer.from(''), null]) await first.write({ key: 'setup/x', value, actor })
  }
  return rebased(await openEtcdStore(place))
}

/**
 * etcd is another process: what the engine waits for between two tries passes in real time too, where a test does not advance its clock.
 * Not so before an event of its own, which takes a revision: the tests count them.
 */
function eitherClock(test: Clock): Clock {
  return {
    now: () => test.now(),
    monotonic: () => test.monotonic(),
    after(ms, run, options) {
      const timers = (ms === NUDGE_MS ? [test] : [test, systemClock]).map((clock) => clock.after(ms, once, options))
      const cancel = (): void => {
        for (const timer of timers) timer.cancel()
      }
      function once(): void {
        cancel()
        run()
      }
      return { cancel }
    },
  }
}

storeConformance('etcd', openStore, { retention: false, ttlByClock: false })
