// Clients that write the same object at the same time: nothing that was acknowledged is overwritten unseen, and everybody can read what they wrote.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMaps } from '../../api/core/config-map.ts'
import { isConflict, isNotFound } from '../../apimachinery/errors.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'

const CLIENTS = 20
const MAX_TURNS = 80
const key = { namespace: 'default', name: 'shared' }

async function seed({ client }: TestCluster): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...key }, data: { count: '0' } }
  await client.create(configMaps, object as never)
}

test('patches of many clients all hold', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await seed(cluster)
  const names = Array.from({ length: CLIENTS }, (_, i) => `client-${i}`)
  await Promise.all(
    names.map((name) => client.patch(configMaps, key, { type: 'merge', body: { data: { [name]: 'x' } } })),
  )
  const { data } = await client.get(configMaps, key)
  assert.deepEqual(Object.keys(data ?? {}).sort(), ['count', ...names].sort())
})

test('counts of many clients add up when a conflict is tried again', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await seed(cluster)
  const increment = async (): Promise<void> => {
    for (;;) {
      const seen = await client.get(configMaps, key)
      const data = { count: String(Number(seen.data?.count) + 1) }
      try {
        await client.update(configMaps, { ...seen, data })
        return
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, increment))
  assert.equal((await client.get(configMaps, key)).data?.count, String(CLIENTS))
})

test('a deletion sees the finalizer that was put there meanwhile', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const body = { metadata: { finalizers: ['example.com/hold'] } }
  const outcomes: string[] = []
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    const one = { ...key, name: `shared-${turns}` }
    await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: one } as never)
    const patching = client.patch(configMaps, one, { type: 'merge', body }).then(() => true, isNotFoundFor)
    // The deletion begins a little later each time: somewhere among these it reads before the patch is stored, and writes after it.
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await client.delete(configMaps, one)
    const held = (await cluster.get(configMaps, one))?.metadata
    const patched = await patching
    assert.equal(held !== undefined, patched, `after ${turns} turns`)
    assert.equal(held?.deletionTimestamp !== undefined, patched)
    outcomes.push(patched ? 'held' : 'gone')
  }
  assert.deepEqual([...new Set(outcomes)].sort(), ['gone', 'held'])
})

test('an answer is followed by reads that see it, from the cache as well', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await seed(cluster)
  for (let i = 0; i < CLIENTS; i++) {
    const patched = await client.patch(configMaps, key, { type: 'merge', body: { data: { count: String(i) } } })
    const cache = cluster.server.registry.get('', 'v1', 'configmaps')?.cache
    assert.equal(cache?.get(`${cache.prefix}default/shared`)?.revision, Number(patched.metadata.resourceVersion))
    assert.equal((await client.get(configMaps, key)).data?.count, String(i))
  }
})

function isNotFoundFor(error: unknown): false {
  assert.ok(isNotFound(error), String(error))
  return false
}
