// The contract of watches as tests, alone and under concurrent writers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../base/random.ts'
import { alice, type OpenStore, put, start, until } from './conformance.ts'
import type { Change, Store, WatchBatch } from './store.ts'
import { CompactedError, FutureRevisionError, SlowWatcherError, StoreClosedError } from './store.ts'
import type { RecordedList, RecordedRead, RecordedWatch, RecordedWrite } from './testing-checker.ts'
import { checkHistory } from './testing-checker.ts'

/** Reads a watch until it has told of `revision`. */
async function readUntil(
  store: Store,
  prefix: string,
  { after, revision }: { after: number; revision: number },
): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = []
  for await (const batch of store.watch(prefix, { after, signal: new AbortController().signal })) {
    batches.push(batch)
    if (batch.revision >= revision) break
  }
  return batches
}

async function nextOf(watch: AsyncIterator<WatchBatch>): Promise<WatchBatch> {
  const { value, done } = await watch.next()
  assert.ok(!done)
  return value
}

/** How changes are put together in batches is for the engine to say. */
async function changesUntil(watch: AsyncIterator<WatchBatch>, revision: number): Promise<Change[]> {
  const changes: Change[] = []
  while (true) {
    const batch = await nextOf(watch)
    changes.push(...batch.changes)
    if (batch.revision >= revision) return changes
  }
}

function watchFrom(
  store: Store,
  prefix: string,
  after: number,
  signal = new AbortController().signal,
): AsyncIterator<WatchBatch> {
  return store.watch(prefix, { after, signal })[Symbol.asyncIterator]()
}

export function watchConformance(open: OpenStore): void {
  deliveryTests(open)
  refusalTests(open)
  test('watch, reads and lists keep their promises under concurrent writers', async () => {
    await using setting = await start(open)
    assert.deepEqual(checkHistory(await recordStorm(setting.store, 7)), [])
  })
}

function deliveryTests(open: OpenStore): void {
  test('watch delivers puts and deletes with what they replaced and who made them', async () => {
    await using setting = await start(open)
    const { store, clock } = setting
    const live = watchFrom(store, 't/', 0)
    const first = nextOf(live)
    await put(store, 't/a', 'a1')
    const timeMs = clock.now()
    const want: Change[] = [
      { type: 'put', key: 't/a', revision: 1, createRevision: 1, timeMs, value: Buffer.from('a1'), actor: alice },
      {
        type: 'put',
        key: 't/a',
        revision: 3,
        createRevision: 1,
        timeMs,
        value: Buffer.from('a3'),
        previous: { value: Buffer.from('a1'), revision: 1 },
        actor: alice,
      },
      {
        type: 'delete',
        key: 't/a',
        revision: 4,
        createRevision: 1,
        timeMs,
        previous: { value: Buffer.from('a3'), revision: 3 },
        actor: alice,
      },
    ]
    assert.deepEqual(await first, { changes: want.slice(0, 1), revision: 1 })
    await put(store, 'tt/a', 'other')
    await put(store, 't/a', 'a3')
    await put(store, 't/a', null)
    assert.deepEqual(await changesUntil(live, 4), want.slice(1))
    assert.deepEqual(
      (await readUntil(store, 't/', { after: 0, revision: 4 })).flatMap(({ changes }) => changes),
      want,
    )
    assert.deepEqual(
      (await readUntil(store, 't/', { after: 1, revision: 4 })).flatMap(({ changes }) => changes),
      want.slice(1),
    )
  })

  test('watch tells its progress when asked, and after the past held nothing for it', async () => {
    await using setting = await start(open)
    const { store } = setting
    await put(store, 'u/a', 'x')
    const watch = watchFrom(store, 't/', 0)
    assert.deepEqual(await nextOf(watch), { changes: [], revision: 1 })
    const next = nextOf(watch)
    await put(store, 'u/b', 'x')
    store.requestProgress()
    assert.deepEqual(await next, { changes: [], revision: 2 })
    const change = nextOf(watch)
    await put(store, 't/a', 'x')
    assert.equal((await change).revision, 3)
  })

  test('watch passes from the log to live changes without a gap', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (let i = 0; i < 1200; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, j) => put(store, `t/${i + j}`, 'x')))
    const reading = readUntil(store, 't/', { after: 0, revision: 1300 })
    for (let i = 0; i < 100; i++) await put(store, `t/live-${i}`, 'x')
    const revisions = (await reading).flatMap(({ changes }) => changes.map(({ revision }) => revision))
    assert.deepEqual(
      revisions,
      Array.from({ length: 1300 }, (_, i) => i + 1),
    )
  })
}

function refusalTests(open: OpenStore): void {
  test('watch refuses a start below the floor or in the future', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (let i = 1; i <= 5; i++) await put(store, 't/a', `a${i}`)
    await store.compact(3)
    await assert.rejects(watchFrom(store, 't/', 2).next(), CompactedError)
    await assert.rejects(watchFrom(store, 't/', 6).next(), FutureRevisionError)
    assert.deepEqual(
      (await nextOf(watchFrom(store, 't/', 3))).changes.map(({ revision, previous }) => [
        revision,
        previous?.value.toString(),
      ]),
      [
        [4, 'a3'],
        [5, 'a4'],
      ],
    )
  })

  test('watch that catches up is refused when the floor overtakes it', async () => {
    await using setting = await start(open)
    const { store } = setting
    await Promise.all(Array.from({ length: 1200 }, (_, i) => put(store, `t/${i}`, 'x')))
    const watch = watchFrom(store, 't/', 0)
    await nextOf(watch)
    await store.compact(1100)
    await assert.rejects(watch.next(), CompactedError)
  })

  test('watch cuts off a consumer that falls behind, and lets the others be', async () => {
    await using setting = await start(open, { limits: { watchBacklogChanges: 10 } })
    const { store } = setting
    const slow = watchFrom(store, 't/', 0)
    const quick = watchFrom(store, 't/', 0)
    const first = Promise.all([nextOf(slow), nextOf(quick)])
    await put(store, 't/a', 'x')
    await first
    for (let i = 0; i < 11; i++) {
      const [batch] = await Promise.all([nextOf(quick), put(store, 't/a', `x${i}`)])
      assert.equal(batch.revision, i + 2)
    }
    await assert.rejects(slow.next(), SlowWatcherError)
  })

  test('watch cuts off a consumer by bytes', async () => {
    await using setting = await start(open, { limits: { watchBacklogBytes: 1000 } })
    const { store } = setting
    const slow = watchFrom(store, 't/', 0)
    const first = nextOf(slow)
    await put(store, 't/a', 'x')
    await first
    await put(store, 't/b', 'x'.repeat(1001))
    await assert.rejects(slow.next(), SlowWatcherError)
  })

  test('watch ends with the reason of its signal, and when the store closes', async () => {
    const { store } = await start(open)
    const stop = new AbortController()
    const aborted = watchFrom(store, 't/', 0, stop.signal).next()
    const closed = watchFrom(store, 't/', 0).next()
    const reason = new Error('enough')
    stop.abort(reason)
    await assert.rejects(aborted, reason)
    await Promise.all([assert.rejects(closed, StoreClosedError), store[Symbol.asyncDispose]()])
  })

  test('watch window moves the floor by age and by count', async () => {
    await using setting = await start(open, { watchWindow: { maxAgeMs: 600_000, maxChanges: 100 } })
    const { store, clock } = setting
    for (let i = 0; i < 3; i++) await put(store, 't/a', `${i}`)
    clock.advance(300_000)
    await put(store, 't/a', 'newer')
    assert.equal(store.compacted, 0)
    clock.advance(300_000)
    await until(setting, () => store.compacted === 3)
    await Promise.all(Array.from({ length: 150 }, (_, i) => put(store, `t/${i}`, 'x')))
    await until(setting, () => store.compacted === 54)
    assert.equal(store.revision, 154)
  })
}

/** Writers, readers, listers and watchers at once, all recorded. */
async function recordStorm(
  store: Store,
  seed: number,
): Promise<{ writes: RecordedWrite[]; reads: RecordedRead[]; lists: RecordedList[]; watches: RecordedWatch[] }> {
  const random = seededRandom(seed)
  const pick = (count: number): number => Math.floor(random.next() * count)
  const writes: RecordedWrite[] = []
  const reads: RecordedRead[] = []
  const lists: RecordedList[] = []
  let acknowledged = 0
  const key = (): string => `t/${pick(2)}/${pick(4)}`

  const writer = async (name: number): Promise<void> => {
    for (let i = 0; i < 120; i++) {
      const target = key()
      const from = acknowledged
      const expected =
        random.next() < 0.4 ? (random.next() < 0.5 ? 0 : Math.max(store.revision - pick(8), 0)) : undefined
      const value = random.next() < 0.25 ? null : `${name}.${i}`
      const write = { key: target, value: value === null ? null : Buffer.from(value), actor: alice }
      const result = await store.write(expected === undefined ? write : { ...write, expected })
      if (result.ok) {
        acknowledged = Math.max(acknowledged, result.revision)
        writes.push({ key: target, value, revision: result.revision, createRevision: result.createRevision })
      } else reads.push({ key: target, from, to: store.revision, seen: result.current })
    }
  }
  const reader = async (): Promise<void> => {
    for (let i = 0; i < 150; i++) {
      const from = acknowledged
      const target = key()
      const seen = await store.get(target)
      reads.push({ key: target, from, to: store.revision, seen })
      const at = acknowledged
      const prefix = `t/${pick(2)}/`
      const list = await store.list(prefix)
      lists.push({ prefix, from: at, to: store.revision, entries: list.entries, revision: list.revision })
      await new Promise(setImmediate)
    }
  }
  const stop = new AbortController()
  const watches: (RecordedWatch & { batches: WatchBatch[] })[] = []
  const { watcher, resumer } = watchersOf(store, { watches, random, stop })
  const watching = [watcher('t/', 0), watcher('t/1/', 0), watcher('', 0), resumer()].map((watch) =>
    watch.catch((error: unknown) => assert.equal(error, stop.signal.reason)),
  )
  await Promise.all([...Array.from({ length: 8 }, (_, i) => writer(i)), reader(), reader()])
  const late = watcher('t/', pick(store.revision)).catch((error: unknown) => assert.equal(error, stop.signal.reason))
  const last = await put(store, 't/0/0', 'last')
  writes.push({
    key: 't/0/0',
    value: 'last',
    revision: last,
    createRevision: (await store.get('t/0/0'))?.createRevision ?? 0,
  })
  store.requestProgress()
  while (watches.slice(0, 3).some(({ batches }) => (batches.at(-1)?.revision ?? 0) < last))
    await new Promise(setImmediate)
  stop.abort()
  await Promise.all([...watching, late])
  return { writes, reads, lists, watches }
}

interface WatchRecording {
  watches: (RecordedWatch & { batches: WatchBatch[] })[]
  random: Random
  stop: AbortController
}

function watchersOf(store: Store, { watches, random, stop }: WatchRecording) {
  const watcher = async (prefix: string, after: number): Promise<void> => {
    const watch = { prefix, after, batches: [] as WatchBatch[] }
    watches.push(watch)
    for await (const batch of store.watch(prefix, { after, signal: stop.signal })) {
      watch.batches.push(batch)
      if (random.next() < 0.3) await new Promise(setImmediate)
    }
  }
  /** Breaks off and resumes from where it was told it is. */
  const resumer = async (): Promise<void> => {
    let after = 0
    while (!stop.signal.aborted) {
      const watch = { prefix: 't/0/', after, batches: [] as WatchBatch[] }
      watches.push(watch)
      for await (const batch of store.watch('t/0/', { after, signal: stop.signal })) {
        watch.batches.push(batch)
        after = batch.revision
        if (random.next() < 0.2) break
      }
    }
  }
  return { watcher, resumer }
}
