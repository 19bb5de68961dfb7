// The promises of a watch, kept by the watch cache under writers, resumes, bookmarks and restarts: what each watch is told equals what the store's log says it should be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '../../base/log.ts'
import { type Random, seededRandom } from '../../base/random.ts'
import { openMemoryStore } from '../../store/memory/memory.ts'
import type { Change, Store } from '../../store/store.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Cacher } from './cacher.ts'
import { findDifferences } from './consistency.ts'
import type { ResourceCache } from './resource-cache.ts'
import type { StoredObject } from './stored.ts'
import type { Selection } from './watcher.ts'

const PREFIX = 'default/core/configmaps/'
const NAMESPACES = ['a', 'aa']
const NAMES = ['x', 'y', 'z']
const WRITERS = 6
const WRITES = 60
const LIVES = 3
const BOOKMARK_INTERVAL_MS = 60_000
/** Nothing leaves the log: it is the judge. */
const WHOLE = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxChanges: 1_000_000 }
const actor = { user: 'test', verb: 'update', requestID: '1' }
const place = { group: '', plural: 'configmaps', namespaced: true, apiVersion: 'v1', kind: 'ConfigMap' }

const red = (object: Pick<StoredObject, 'labels'>): boolean => object.labels.team === 'red'

const selections: Record<string, Selection> = {
  everything: { namespace: '' },
  'a namespace': { namespace: 'a' },
  'one object': { namespace: 'aa', name: 'x' },
  'a name in every namespace': { namespace: '', name: 'y' },
  'a label': { namespace: '', matches: red },
  'a label in a namespace': { namespace: 'aa', matches: red },
}

/** `type revision namespace/name`, and for a bookmark its revision. */
type Told = string

interface Watching {
  selection: Selection
  after: number
  told: Told[]
}

function bytesOf(namespace: string, name: string, team: string): Buffer {
  return Buffer.from(
    `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}","namespace":"${namespace}","labels":{"team":"${team}"}}}`,
  )
}

async function writer(store: Store, random: Random): Promise<void> {
  const pick = (from: readonly string[]): string => from[Math.floor(random.next() * from.length)] ?? ''
  for (let i = 0; i < WRITES; i++) {
    const [namespace, name] = [pick(NAMESPACES), pick(NAMES)]
    const value = random.next() < 0.3 ? null : bytesOf(namespace, name, pick(['red', 'blue']))
    await store.write({ key: `${PREFIX}${namespace}/${name}`, value, actor })
    if (random.next() < 0.3)
      await store.write({ key: 'default/core/secrets/a/other', value: bytesOf('a', 'other', 'red'), actor })
    if (random.next() < 0.3) await nextTurn()
  }
}

/** Follows a selection for one life of the cache. Breaks off now and then, and resumes from where it was told it is. */
async function follow(cache: ResourceCache, watch: Watching, { random, stop }: { random: Random; stop: AbortSignal }) {
  let { after } = watch
  while (!stop.aborted) {
    const watcher = cache.watch(watch.selection, { after, initial: false, bookmarks: true })
    assert.ok(watcher, `the watch cannot resume at ${after}, the floor is ${cache.floor}`)
    const end = (): void => watcher.end()
    stop.addEventListener('abort', end)
    for await (const frames of watcher) {
      for (const { type, object } of frames) {
        const { metadata } = object as { metadata: { resourceVersion: string; namespace?: string; name?: string } }
        const name = type === 'BOOKMARK' ? '' : ` ${metadata.namespace}/${metadata.name}`
        watch.told.push(`${type} ${metadata.resourceVersion}${name}`)
        after = Number(metadata.resourceVersion)
      }
      if (random.next() < 0.1) break
      if (random.next() < 0.3) await nextTurn()
    }
    stop.removeEventListener('abort', end)
  }
}

/** What the log says that a watch has to be told. */
function expected(log: readonly Change[], { selection, after }: Watching): { revision: number; told: Told }[] {
  const matches = (value: Buffer | undefined, namespace: string, name: string): boolean => {
    if (value === undefined) return false
    if (selection.namespace !== '' && selection.namespace !== namespace) return false
    if (selection.name !== undefined && selection.name !== name) return false
    return selection.matches === undefined || value.includes('"team":"red"')
  }
  return log.flatMap(({ key, revision, value, previous }) => {
    const [namespace = '', name = ''] = key.slice(PREFIX.length).split('/')
    if (!key.startsWith(PREFIX) || revision <= after) return []
    const was = matches(previous?.value, namespace, name)
    const is = matches(value, namespace, name)
    if (!was && !is) return []
    const type = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED'
    return [{ revision, told: `${type} ${revision} ${namespace}/${name}` }]
  })
}

function check(name: string, watch: Watching, log: readonly Change[]): void {
  const want = expected(log, watch)
  const events = watch.told.filter((told) => !told.startsWith('BOOKMARK'))
  assert.deepEqual(
    events,
    want.map(({ told }) => told),
    `the watch of ${name} after ${watch.after}`,
  )
  let seen = 0
  for (const told of watch.told) {
    const revision = Number(told.split(' ')[1])
    if (told.startsWith('BOOKMARK')) {
      const due = want.filter((one) => one.revision <= revision).length
      assert.equal(seen, due, `the bookmark of ${name} at ${revision} came after ${seen} events, and not ${due}`)
    } else seen++
  }
}

async function logOf(store: Store): Promise<Change[]> {
  const changes: Change[] = []
  for await (const batch of store.watch('default/', { after: 0, signal: new AbortController().signal })) {
    changes.push(...batch.changes)
    if (batch.revision >= store.revision) break
  }
  return changes
}

/** One life of the cache, with all watches resumed. */
async function live(
  store: Store,
  watches: readonly Watching[],
  { clock, random }: { clock: VirtualClock; random: Random },
) {
  await using cacher = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  const cache = await cacher.add(place)
  await cacher.start()
  const stop = new AbortController()
  const following = watches.map((watch) => {
    const last = watch.told.at(-1)?.split(' ')[1]
    const resumed = { ...watch, after: last === undefined ? watch.after : Number(last) }
    return follow(cache, resumed, { random, stop: stop.signal })
  })
  const writing = Promise.all(Array.from({ length: WRITERS }, () => writer(store, random)))
  for (let i = 0; i < 5; i++) {
    await clock.advance(BOOKMARK_INTERVAL_MS)
    for (let turn = 0; turn < 8; turn++) await nextTurn()
  }
  await writing
  await cacher.reached(store.revision)
  // Readers have what was queued when the watches end.
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  stop.abort()
  await Promise.all(following)
  assert.deepEqual(await findDifferences(cacher), [])
}

for (const seed of [1, 2, 3]) {
  test(`watches of every kind are told exactly what the log says, over restarts, seed ${seed}`, async () => {
    const clock = new VirtualClock()
    const random = seededRandom(seed)
    await using store = openMemoryStore({ clock, log: silentLogger, watchWindow: WHOLE })
    const watches = new Map<string, Watching>()
    for (let life = 0; life < LIVES; life++) {
      for (const [name, selection] of Object.entries(selections)) {
        const after = Math.floor(random.next() * (store.revision + 1))
        watches.set(`${name}, begun in life ${life}`, { selection, after, told: [] })
        // From the very start, too: a key's first change is the one before which there was nothing.
        watches.set(`${name} from the start, begun in life ${life}`, { selection, after: 0, told: [] })
      }
      await live(store, [...watches.values()], { clock, random })
    }
    const log = await logOf(store)
    for (const [name, watch] of watches) check(name, watch, log)
    assert.ok(log.length > 500)
    assert.ok([...watches.values()].every(({ told }) => told.some((one) => one.startsWith('BOOKMARK'))))
  })
}
