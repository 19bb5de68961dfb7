// One of two contenders works; the other takes over when it stops, and when it falls silent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leases } from '../api/coordination/lease.ts'
import { silentLogger } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { startCluster, type TestCluster } from '../testing/cluster.ts'
import type { Client } from './client.ts'
import { type LeaderElection, startLeaderElection } from './leader-election.ts'

const KEY = { namespace: 'kube-system', name: 'kube-scheduler' }

interface Contending {
  readonly election: LeaderElection
  /** The answer to every call is lost while this is set. */
  silent: boolean
  readonly log: string[]
}

function contend(cluster: TestCluster, identity: string): Contending {
  const contending = { silent: false, log: [] as string[] }
  const client: Client = new Proxy(cluster.client, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (!contending.silent || typeof value !== 'function') return value
      return () => Promise.reject(new Error('unreachable'))
    },
  })
  const election = startLeaderElection({
    client,
    name: KEY.name,
    identity,
    clock: cluster.clock,
    random: seededRandom(1),
    log: silentLogger,
    async lead() {
      contending.log.push('started')
      return {
        async [Symbol.asyncDispose]() {
          contending.log.push('stopped')
        },
      }
    },
  })
  return Object.assign(contending, { election })
}

async function specOf(cluster: TestCluster) {
  return (await cluster.get(leases, KEY))?.spec
}

test('one contender leads, and the next one when it stops', async () => {
  await using cluster = await startCluster()
  const a = contend(cluster, 'a')
  await cluster.advance('1s')
  const b = contend(cluster, 'b')
  await cluster.advance('60s')
  assert.deepEqual([a.log, b.log], [['started'], []])
  assert.deepEqual([a.election.leading, b.election.leading], [true, false])
  const held = await specOf(cluster)
  assert.deepEqual(
    [held?.holderIdentity, held?.leaseDurationSeconds, held?.leaseTransitions, held?.acquireTime],
    ['a', 15, 0, '2030-01-01T12:00:00.000000Z'],
  )
  assert.ok(Date.parse(held?.renewTime ?? '') >= Date.parse('2030-01-01T12:00:59Z'))
  await a.election[Symbol.asyncDispose]()
  assert.deepEqual(a.log, ['started', 'stopped'])
  assert.equal((await specOf(cluster))?.holderIdentity, '')
  await cluster.advance('5s')
  assert.deepEqual(b.log, ['started'])
  const taken = await specOf(cluster)
  assert.deepEqual([taken?.holderIdentity, taken?.leaseTransitions], ['b', 1])
  await b.election[Symbol.asyncDispose]()
})

test('a leader that cannot renew stops before another may start', async () => {
  await using cluster = await startCluster()
  const a = contend(cluster, 'a')
  await cluster.advance('1s')
  const b = contend(cluster, 'b')
  await cluster.advance('10s')
  a.silent = true
  await cluster.advance('8s')
  assert.deepEqual([a.log, b.log], [['started'], []])
  await cluster.advance('3s')
  assert.deepEqual([a.log, b.log], [['started', 'stopped'], []])
  await cluster.advance('10s')
  assert.deepEqual(b.log, ['started'])
  a.silent = false
  await cluster.advance('30s')
  assert.deepEqual([a.log, b.log], [['started', 'stopped'], ['started']])
  for (const { election } of [a, b]) await election[Symbol.asyncDispose]()
})
