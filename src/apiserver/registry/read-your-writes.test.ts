// What was answered can be read, from the cache too, also when the store tells of its changes later than it acknowledges them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { openMemoryStore } from '../../store/memory/memory.ts'
import type { Store, WatchBatch } from '../../store/store.ts'
import { ADMIN, startCluster } from '../../testing/cluster.ts'
import { type Answer, callsTo } from '../../testing/http.ts'

/** A store whose watches lag behind: as etcd's do over a network, and as those of a busy process. */
function lagging(store: Store): Store {
  async function* watch(...args: Parameters<Store['watch']>): AsyncGenerator<WatchBatch> {
    for await (const batch of store.watch(...args)) {
      await nextTurn()
      yield batch
    }
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'watch') return watch
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

const MAPS = '/api/v1/namespaces/default/configmaps'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const APPLY = { 'content-type': 'application/apply-patch+yaml' }
const body = (fields: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a' },
  ...fields,
})

test('every write is readable when it is answered', async () => {
  await using store = openMemoryStore({ clock: systemClock, log: silentLogger })
  await using cluster = await startCluster({ server: { store: lagging(store) } })
  const call = callsTo(cluster.server.handle, ADMIN)
  /** `resourceVersion=0` is what the cache holds at this moment, without asking the store how far it is. */
  const cached = (): Promise<Answer> => call('GET', `${MAPS}/a?resourceVersion=0`)
  const writes: readonly [string, () => Promise<Answer>][] = [
    ['created', () => call('POST', MAPS, { body: body({ data: { a: '1' } }) })],
    ['replaced', () => call('PUT', `${MAPS}/a`, { body: body({ data: { a: '2' } }) })],
    ['patched', () => call('PATCH', `${MAPS}/a`, { headers: MERGE, body: { data: { a: '3' } } })],
    ['applied', () => call('PATCH', `${MAPS}/a?fieldManager=me`, { headers: APPLY, body: body({ data: { b: '4' } }) })],
    [
      'held',
      () => call('PATCH', `${MAPS}/a`, { headers: MERGE, body: { metadata: { finalizers: ['example.com/a'] } } }),
    ],
    ['marked for deletion', () => call('DELETE', `${MAPS}/a`)],
  ]
  for (const [what, write] of writes) {
    const answer = await write()
    assert.ok(answer.status < 300, `${what}: ${answer.text}`)
    const { json } = await cached()
    assert.deepEqual(json, answer.json, what)
  }
  const released = await call('PATCH', `${MAPS}/a`, { headers: MERGE, body: { metadata: { finalizers: null } } })
  assert.deepEqual([released.status, (await cached()).status], [200, 404], 'released')
  await call('POST', MAPS, { body: body() })
  assert.deepEqual([(await call('DELETE', `${MAPS}/a`)).status, (await cached()).status], [200, 404], 'deleted')
  for (const name of ['b', 'c']) await call('POST', MAPS, { body: body({ metadata: { name } }) })
  await call('DELETE', MAPS)
  const { json } = await call('GET', `${MAPS}?resourceVersion=0`)
  assert.deepEqual(json['items'], [], 'deleted together')
})

test('who comes too late reads what came before, and the next try is on top of it', async () => {
  await using store = openMemoryStore({ clock: systemClock, log: silentLogger })
  await using cluster = await startCluster({ server: { store: lagging(store) } })
  const call = callsTo(cluster.server.handle, ADMIN)
  await call('POST', MAPS, { body: body() })
  const writers = Array.from({ length: 8 }, (_, i) => `w${i}`)
  const answers = await Promise.all(
    writers.map((name) => call('PATCH', `${MAPS}/a`, { headers: MERGE, body: { data: { [name]: 'x' } } })),
  )
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  const { json } = await call('GET', `${MAPS}/a?resourceVersion=0`)
  assert.deepEqual(Object.keys(json['data'] ?? {}).sort(), writers)
  // A conflict is told when the state that it was about can be read.
  const stale = await call('PUT', `${MAPS}/a`, { body: body({ metadata: { name: 'a', resourceVersion: '1' } }) })
  assert.equal(stale.status, 409)
})
