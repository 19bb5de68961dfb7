import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { openMemoryStore } from '../../store/memory/memory.ts'
import type { Store } from '../../store/store.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Cacher } from './cacher.ts'
import { MAX_WINDOW_BYTES } from './change-window.ts'
import { ResourceCache } from './resource-cache.ts'

const actor = { user: 'test', verb: 'update', requestID: '1' }
const stored = (name: string, data: string): Buffer =>
  Buffer.from(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}"},"data":{"a":"${data}"}}`)
const place = { group: '', plural: 'configmaps', namespaced: true, apiVersion: 'v1', kind: 'ConfigMap' }

async function put(store: Store, data: string): Promise<void> {
  await store.write({ key: 'default/core/configmaps/ns/a', value: stored('a', data), actor })
}

test('Cacher.start returns when watches can resume from before it, with nothing missing', async () => {
  const clock = new VirtualClock()
  await using store = openMemoryStore({ clock, log: silentLogger })
  for (const data of ['1', '2', '3']) await put(store, data)
  await using cacher = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  const cache = await cacher.add(place)
  await cacher.start()
  const watcher = cache.watch({ namespace: '' }, { after: 1, initial: false, bookmarks: false })
  await put(store, '4')
  await cacher.reached(store.revision)
  watcher?.end()
  const seen: unknown[] = []
  for await (const batch of watcher ?? []) for (const { object } of batch) seen.push((object as { data: unknown }).data)
  assert.deepEqual(seen, [{ a: '2' }, { a: '3' }, { a: '4' }])
})

test('Cacher knows of a deletion before its start: an older revision is not what it holds', async () => {
  const clock = new VirtualClock()
  await using store = openMemoryStore({ clock, log: silentLogger })
  await put(store, '1')
  await store.write({ key: 'default/core/configmaps/ns/b', value: stored('b', '1'), actor })
  await store.write({ key: 'default/core/configmaps/ns/b', value: null, actor })
  await using cacher = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  const cache = await cacher.add(place)
  await cacher.start()
  assert.ok(cache.changedAt >= 3, `${cache.changedAt}`)
})

test('Cacher.add misses no change that passes while it reads', async () => {
  const clock = new VirtualClock()
  await using store = openMemoryStore({ clock, log: silentLogger })
  await put(store, '1')
  /** Answers a list when the changes after it have passed by. */
  const slow = new Proxy(store, {
    get(target, name) {
      if (name === 'list') {
        return async (prefix: string) => {
          const listed = await target.list(prefix)
          await put(target, '2')
          await target.write({ key: 'default/core/configmaps/ns/b', value: stored('b', '1'), actor })
          await other.reached(target.revision)
          return listed
        }
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  await using other = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  await using cacher = new Cacher({ store: slow, tenant: 'default', clock, log: silentLogger })
  await cacher.start()
  await other.start()
  const cache = await cacher.add(place)
  assert.deepEqual(
    [...cache.values()].map(({ revision }) => revision),
    [2, 3],
  )
})

test('Cacher.start does not wait for a log that holds nothing of its tenant', async () => {
  const clock = new VirtualClock()
  await using store = openMemoryStore({ clock, log: silentLogger })
  await store.write({ key: 'other/core/configmaps/ns/a', value: stored('a', '1'), actor })
  await using cacher = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  await cacher.add(place)
  await cacher.start()
  assert.equal(cacher.revision, 1)
})

test('ResourceCache forgets changes by their bytes: large objects do not pile up, and watches from before are told', () => {
  const cache = new ResourceCache('default/core/configmaps/', true)
  const key = 'default/core/configmaps/ns/a'
  const data = 'x'.repeat(1024 * 1024)
  const rounds = Math.ceil(MAX_WINDOW_BYTES / data.length) * 3
  for (let revision = 1; revision <= rounds; revision++) cache.apply(key, revision, stored('a', data))
  assert.ok(cache.windowBytes <= MAX_WINDOW_BYTES, `${cache.windowBytes} bytes`)
  const from = (after: number): unknown => cache.watch({ namespace: '' }, { after, initial: false, bookmarks: false })
  assert.equal(from(1), undefined)
  assert.ok(from(rounds - 1))
})

test('ResourceCache holds what it remembers from the log to the same bound', () => {
  const cache = new ResourceCache('default/core/configmaps/', true)
  const key = 'default/core/configmaps/ns/a'
  const value = stored('a', 'x'.repeat(1024 * 1024))
  const rounds = Math.ceil(MAX_WINDOW_BYTES / value.length) * 2
  for (let revision = 1; revision <= rounds; revision++) {
    cache.remember({ key, revision, value })
  }
  assert.ok(cache.windowBytes <= MAX_WINDOW_BYTES)
  assert.ok(cache.floor > 0)
})
