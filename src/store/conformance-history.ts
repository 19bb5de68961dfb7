// The contract of history, retention and purging as tests.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alice, type EngineTraits, type OpenStore, put, start, until } from './conformance.ts'
import { CompactedError, MAX_ACTOR_FIELD_BYTES, type Retention, type Store } from './store.ts'

const HOUR_MS = 3_600_000

async function revisionsOf(store: Store, target: string): Promise<number[]> {
  return (await store.history(target)).changes.map(({ revision }) => revision)
}

export function historyConformance(open: OpenStore, { retention }: EngineTraits): void {
  historyTests(open)
  compactionTests(open)
  if (retention) {
    retentionTests(open)
    retainedPurgeTests(open)
  } else windowTests(open)
  purgeTests(open)
}

function historyTests(open: OpenStore): void {
  test('history tells who wrote what, newest first, in pages, across deletion', async () => {
    await using setting = await start(open)
    const { store, clock } = setting
    await put(store, 't/a', 'a1')
    clock.advance(1000)
    await store.write({ key: 't/a', value: Buffer.from('a2'), actor: { user: 'bob', verb: 'patch', requestID: 'r-2' } })
    await put(store, 't/ab', 'other')
    await put(store, 't/a', null)
    await put(store, 't/a', 'a5')
    const { changes } = await store.history('t/a')
    assert.deepEqual(
      changes.map(({ type, revision, createRevision, actor, previous }) => [
        type,
        revision,
        createRevision,
        actor.user,
        previous?.value.toString(),
      ]),
      [
        ['put', 5, 5, 'alice', undefined],
        ['delete', 4, 1, 'alice', 'a2'],
        ['put', 2, 1, 'bob', 'a1'],
        ['put', 1, 1, 'alice', undefined],
      ],
    )
    assert.deepEqual(changes[2]?.actor, { user: 'bob', verb: 'patch', requestID: 'r-2' })
    assert.deepEqual(changes[3]?.actor, alice)
    assert.equal((changes[2]?.timeMs ?? 0) - (changes[3]?.timeMs ?? 0), 1000)
    const page = await store.history('t/a', { limit: 3 })
    assert.deepEqual([page.changes.map(({ revision }) => revision), page.next], [[5, 4, 2], 2])
    assert.deepEqual(await store.history('t/a', { limit: 3, before: 2 }), { changes: changes.slice(3) })
    assert.deepEqual(await revisionsOf(store, 't/'), [5, 4, 3, 2, 1])
    const below = await store.history('t/', { limit: 2 })
    assert.deepEqual([below.changes.map(({ revision }) => revision), below.next], [[5, 4], 4])
    assert.deepEqual(await revisionsOf(store, 'u/'), [])
  })

  test('history cuts what a client says of itself at a character', async () => {
    await using setting = await start(open)
    const { store } = setting
    const userAgent = `x${'é'.repeat(MAX_ACTOR_FIELD_BYTES)}`
    await store.write({ key: 't/a', value: Buffer.from(''), actor: { ...alice, userAgent } })
    const [change] = (await store.history('t/a')).changes
    assert.equal(change?.actor.userAgent, `x${'é'.repeat(MAX_ACTOR_FIELD_BYTES / 2 - 1)}`)
    assert.equal(change?.actor.requestID, alice.requestID)
  })
}

function retentionTests(open: OpenStore): void {
  const kept: Retention = { maxAgeMs: 24 * HOUR_MS, maxBytes: 1_000_000 }
  const short: Retention = { maxAgeMs: 2 * HOUR_MS, maxBytes: 1_000_000 }
  const none: Retention = { maxAgeMs: 0, maxBytes: 0 }
  const retention = (key: string): Retention =>
    key.startsWith('t/kept/') ? kept : key.startsWith('t/short/') ? short : none

  test('retention keeps history by age and key, and exact reads of it below the floor', async () => {
    await using setting = await start(open, { retention })
    const { store, clock } = setting
    for (const name of ['t/kept/a', 't/short/a', 't/none/a']) {
      for (let i = 0; i < 3; i++) await put(store, name, `${i}`)
    }
    for (const name of ['t/kept/a', 't/short/a', 't/none/a']) await put(store, name, null)
    await put(store, 't/kept/live', 'x')
    clock.advance(HOUR_MS)
    await until(setting, async () => store.compacted === 13 && (await revisionsOf(store, 't/none/')).length === 0)
    assert.deepEqual(await revisionsOf(store, 't/kept/a'), [10, 3, 2, 1])
    assert.deepEqual(await revisionsOf(store, 't/short/a'), [11, 6, 5, 4])
    assert.equal((await store.get('t/kept/a', { revision: 2 }))?.value.toString(), '1')
    assert.equal((await store.get('t/kept/a', { revision: 10 }))?.value.toString(), undefined)
    await assert.rejects(store.get('t/none/a', { revision: 8 }), CompactedError)
    await assert.rejects(store.get('t/short/a', { revision: 3 }), CompactedError)
    clock.advance(HOUR_MS)
    await until(setting, async () => (await revisionsOf(store, 't/short/a')).length === 0)
    assert.deepEqual(await revisionsOf(store, 't/kept/a'), [10, 3, 2, 1])
    clock.advance(22 * HOUR_MS)
    await until(setting, async () => (await revisionsOf(store, 't/kept/a')).length === 0)
    assert.deepEqual(await revisionsOf(store, 't/kept/'), [13])
    assert.equal((await store.get('t/kept/live', { revision: 13 }))?.value.toString(), 'x')
  })

  test('retention keeps history by bytes, the newest first, also across deletion', async () => {
    await using setting = await start(open, { retention: () => ({ maxAgeMs: 24 * HOUR_MS, maxBytes: 2_500 }) })
    const { store } = setting
    const value = 'x'.repeat(900)
    for (let i = 0; i < 6; i++) await put(store, 't/a', value)
    await store.compact(6)
    await until(setting, async () => (await revisionsOf(store, 't/a')).length === 3)
    assert.deepEqual(await revisionsOf(store, 't/a'), [6, 5, 4])
    await put(store, 't/a', null)
    await put(store, 't/a', value, { expected: 0 })
    await put(store, 't/a', value)
    await store.compact(9)
    await until(setting, async () => (await revisionsOf(store, 't/a')).length === 4)
    assert.deepEqual(await revisionsOf(store, 't/a'), [9, 8, 7, 6])
    for (let i = 0; i < 4; i++) await put(store, 't/a', value)
    await store.compact(13)
    await until(setting, async () => (await revisionsOf(store, 't/a')).length === 3)
    assert.deepEqual(await revisionsOf(store, 't/a'), [13, 12, 11])
  })
}

function compactionTests(open: OpenStore): void {
  test('compaction of many changes keeps the live entries and nothing else', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (let round = 0; round < 4; round++)
      await Promise.all(Array.from({ length: 400 }, (_, i) => put(store, `t/${i}`, `${round}`)))
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(store, `t/${i}`, null)))
    await store.compact(1700)
    await until(
      setting,
      async () =>
        (await store.history('', { before: 1201 })).changes.length === 0 &&
        (await revisionsOf(store, 't/0')).length === 0,
    )
    assert.equal((await store.list('t/', { revision: 1700 })).entries.length, 300)
    const live = (await store.get('t/399'))?.revision ?? 0
    assert.ok(live > 1200 && live <= 1600)
    assert.deepEqual(await revisionsOf(store, 't/399'), [live])
  })
}

function retainedPurgeTests(open: OpenStore): void {
  test('purge drops all but the live entries of a key or a prefix', async () => {
    await using setting = await start(open, { retention: () => ({ maxAgeMs: 24 * HOUR_MS, maxBytes: 1_000_000 }) })
    const { store } = setting
    for (const key of ['t/a/1', 't/a/2', 't/ab']) for (let i = 0; i < 3; i++) await put(store, key, `${i}`)
    await put(store, 't/a/2', null)
    await store.purge('t/a/1')
    assert.equal(store.compacted, 10)
    assert.deepEqual(await revisionsOf(store, 't/a/'), [10, 6, 5, 4, 3])
    await store.purge('t/a/')
    assert.deepEqual(await revisionsOf(store, 't/'), [9, 8, 7, 3])
    await assert.rejects(store.get('t/a/2', { revision: 5 }), CompactedError)
    assert.equal((await store.get('t/a/1', { revision: 10 }))?.value.toString(), '2')
    assert.equal((await store.get('t/ab', { revision: 8 }))?.value.toString(), '1')
    await put(store, 't/a/1', 'new')
    assert.deepEqual(
      (await store.history('t/a/1')).changes.map(({ revision, previous }) => [revision, previous?.revision]),
      [
        [11, 3],
        [3, undefined],
      ],
    )
  })
}

/** Of an engine whose history is its watch window. */
function windowTests(open: OpenStore): void {
  test('purge drops all but what is live at the new floor, of every key', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (const key of ['t/a/1', 't/a/2', 't/ab']) for (let i = 0; i < 3; i++) await put(store, key, `${i}`)
    await put(store, 't/a/2', null)
    await store.purge('t/a/')
    assert.equal(store.compacted, 10)
    assert.deepEqual(await revisionsOf(store, 't/'), [9, 3])
    await assert.rejects(store.get('t/a/2', { revision: 5 }), CompactedError)
    await put(store, 't/a/1', 'new')
    assert.deepEqual(
      (await store.history('t/a/1')).changes.map(({ revision, previous }) => [revision, previous?.revision]),
      [
        [11, 3],
        [3, undefined],
      ],
    )
    const page = await store.history('t/', { limit: 2 })
    assert.deepEqual([page.changes.map(({ revision }) => revision), page.next], [[11, 9], 9])
    assert.deepEqual(await store.history('t/', { limit: 2, before: 9 }), {
      changes: (await store.history('t/a/1')).changes.slice(1),
    })
  })
}

function purgeTests(open: OpenStore): void {
  test('purge leaves alone what is written while it works', async () => {
    await using setting = await start(open, { retention: () => ({ maxAgeMs: 24 * HOUR_MS, maxBytes: 1_000_000_000 }) })
    const { store } = setting
    await Promise.all(Array.from({ length: 1300 }, (_, i) => put(store, 't/much', `${i}`)))
    let done = false
    const purging = store.purge('t/').then(() => {
      done = true
    })
    const written: number[] = []
    while (!done) written.push(await put(store, 't/z', `${written.length}`))
    await purging
    assert.ok(written.length > 2)
    const kept = written.filter((revision) => revision > store.compacted).reverse()
    assert.deepEqual((await revisionsOf(store, 't/z')).slice(0, kept.length), kept)
  })

  test('purge works through any number of versions', async () => {
    await using setting = await start(open, { retention: () => ({ maxAgeMs: 24 * HOUR_MS, maxBytes: 1_000_000_000 }) })
    const { store } = setting
    const last = Math.max(...(await Promise.all(Array.from({ length: 1300 }, (_, i) => put(store, 't/much', `${i}`)))))
    for (const value of ['x', null])
      await Promise.all(Array.from({ length: 350 }, (_, i) => put(store, `t/x${i}`, value)))
    await store.purge('t/')
    assert.deepEqual(await revisionsOf(store, 't/'), [last])
    assert.deepEqual(
      (await store.list('t/')).entries.map(({ revision }) => revision),
      [last],
    )
  })
}
