// A cache that lost a change is found, told of and made right again; one that is right is left alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fields, type Logger, silentLogger } from '../../base/log.ts'
import { Metrics } from '../../base/metrics.ts'
import { openMemoryStore } from '../../store/memory/memory.ts'
import type { Store } from '../../store/store.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Cacher } from './cacher.ts'
import { CHECK_INTERVAL_MS, ConsistencyChecks, findDifferences } from './consistency.ts'
import type { ResourceCache } from './resource-cache.ts'

const actor = { user: 'test', verb: 'update', requestID: '1' }
const place = { group: '', plural: 'configmaps', namespaced: true, apiVersion: 'v1', kind: 'ConfigMap' }
const keyOf = (name: string): string => `default/core/configmaps/ns/${name}`
const stored = (name: string, data: string): Buffer =>
  Buffer.from(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}"},"data":{"a":"${data}"}}`)

interface Setting extends AsyncDisposable {
  store: Store
  clock: VirtualClock
  cacher: Cacher
  cache: ResourceCache
  metrics: Metrics
  logged: [string, Fields | undefined][]
}

async function startCacher(): Promise<Setting> {
  const stack = new AsyncDisposableStack()
  const clock = new VirtualClock()
  const logged: [string, Fields | undefined][] = []
  const log: Logger = { ...silentLogger, error: (message, fields) => logged.push([message, fields]) }
  const store = stack.use(openMemoryStore({ clock, log: silentLogger }))
  for (const name of ['a', 'b', 'c']) await store.write({ key: keyOf(name), value: stored(name, '1'), actor })
  const cacher = stack.use(new Cacher({ store, tenant: 'default', clock, log }))
  const cache = await cacher.add(place)
  await cacher.start()
  const metrics = new Metrics()
  stack.use(new ConsistencyChecks({ cacher, clock, log, metrics }))
  return { store, clock, cacher, cache, metrics, logged, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const counted = ({ metrics }: Setting): string[] =>
  metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith('apiserver_storage_consistency_checks_total{'))

/** Ways to be wrong: each makes the cache what the store never was. */
const faults: Record<string, [spoil: (cache: ResourceCache) => void, differs: string]> = {
  'lost a deletion': [(cache) => cache.apply(keyOf('x'), 2, stored('x', '1')), 'x: cached at 2, not stored'],
  'lost an object': [(cache) => cache.apply(keyOf('a'), 3, undefined), 'a: cached at none, stored at 1'],
  'kept an old state': [(cache) => cache.apply(keyOf('c'), 2, stored('c', '1')), 'c: cached at 2, stored at 3'],
}

for (const [fault, [spoil, differs]] of Object.entries(faults)) {
  test(`ConsistencyChecks tells of a cache that ${fault}, and rebuilds it`, async () => {
    await using setting = await startCacher()
    const { cache, cacher, clock, logged } = setting
    const want = [...cache.values()]
    spoil(cache)
    const watch = cache.watch({ namespace: '' }, { after: cacher.revision, initial: false, bookmarks: false })
    assert.deepEqual(
      (await findDifferences(cacher)).map((found) => found.differs),
      [[`default/core/configmaps/ns/${differs}`]],
    )
    await clock.advance(CHECK_INTERVAL_MS)
    await new Promise<void>((resolve) => watch?.whenEnded(resolve))
    assert.deepEqual([...cache.values()], want)
    assert.deepEqual(await findDifferences(cacher), [])
    assert.deepEqual(logged, [
      [
        'Found a watch cache that differs from the store',
        { group: '', resource: 'configmaps', differs: [`default/core/configmaps/ns/${differs}`] },
      ],
    ])
    assert.deepEqual(counted(setting), [
      'apiserver_storage_consistency_checks_total{group="",resource="configmaps",status="failure"} 1',
    ])
    // What was told before may have been wrong: nobody resumes from there.
    assert.equal(cache.watch({ namespace: '' }, { after: 1, initial: false, bookmarks: false }), undefined)
  })
}

test('ConsistencyChecks leaves a cache alone that goes on while it is compared', async () => {
  await using setting = await startCacher()
  const { store, cache, cacher, clock, logged } = setting
  const writing = Array.from({ length: 50 }, (_, i) =>
    store.write({ key: keyOf(`w${i}`), value: stored('w', '1'), actor }),
  )
  await clock.advance(CHECK_INTERVAL_MS)
  await Promise.all(writing)
  await store.write({ key: keyOf('a'), value: null, actor })
  await cacher.reached(store.revision)
  assert.deepEqual(await findDifferences(cacher), [])
  await clock.advance(CHECK_INTERVAL_MS)
  assert.equal(cache.size, 52)
  assert.deepEqual(logged, [])
  assert.deepEqual(counted(setting), [
    'apiserver_storage_consistency_checks_total{group="",resource="configmaps",status="success"} 2',
  ])
})

test('findDifferences compares bytes, too', async () => {
  await using setting = await startCacher()
  setting.cache.apply(keyOf('c'), 3, stored('c', '2'))
  assert.deepEqual(
    (await findDifferences(setting.cacher)).map(({ differs }) => differs),
    [['default/core/configmaps/ns/c: other bytes at 3']],
  )
})
