// The contract as tests: every engine passes all of it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '../base/log.ts'
import { historyConformance } from './conformance-history.ts'
import { modelConformance } from './conformance-model.ts'
import { watchConformance } from './conformance-watch.ts'
import type { Actor, Entry, Store, StoreOptions } from './store.ts'
import {
  CompactedError,
  FutureRevisionError,
  InvalidWriteError,
  MAX_KEY_BYTES,
  StoreBusyError,
  StoreClosedError,
  TTL_USER,
} from './store.ts'
import { ManualClock } from './testing-clock.ts'

/** Opens a new, empty store. */
export type OpenStore = (options: StoreOptions) => Promise<Store>

/** What an engine with a log of its own does differently, and the contract lets it. */
export interface EngineTraits {
  /** Superseded versions stay as long as `StoreOptions.retention` says; else they go with the watch window. */
  retention: boolean
  /** Times to live pass by the clock that the store is opened with; else by the engine's own. */
  ttlByClock: boolean
}

const EMBEDDED: EngineTraits = { retention: true, ttlByClock: true }

export interface Setting {
  store: Store
  clock: ManualClock
}

export const alice: Actor = {
  user: 'alice',
  verb: 'update',
  fieldManager: 'kubectl',
  requestID: 'r-1',
  userAgent: 'kubectl/v1.36',
}

export async function start(open: OpenStore, options: Partial<StoreOptions> = {}): Promise<Setting & AsyncDisposable> {
  const clock = new ManualClock()
  const store = await open({ clock, log: silentLogger, ...options })
  return { store, clock, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

/** A write that must succeed; returns its revision. */
export async function put(
  store: Store,
  key: string,
  value: string | null,
  tweak: { expected?: number; ttlSeconds?: number } = {},
): Promise<number> {
  const result = await store.write({ key, value: value === null ? null : Buffer.from(value), actor: alice, ...tweak })
  assert.ok(result.ok)
  return result.revision
}

/** Lets timers and commits run until `holds`. Only for what nothing announces. */
export async function until({ clock }: Setting, holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    clock.advance(20)
    await nextTurn()
  }
}

export function plain(entries: readonly Entry[]): [key: string, value: string, revision: number][] {
  return entries.map(({ key, value, revision }) => [key, value.toString(), revision])
}

export function storeConformance(name: string, open: OpenStore, traits: EngineTraits = EMBEDDED): void {
  describe(`${name} store`, () => {
    writeTests(open)
    readTests(open)
    if (traits.ttlByClock) ttlTests(open)
    lifeTests(open)
    watchConformance(open)
    historyConformance(open, traits)
    modelConformance(open)
  })
}

function writeTests(open: OpenStore): void {
  test('write gives one revision to each write, and none to a failed compare', async () => {
    await using setting = await start(open)
    const { store } = setting
    assert.equal(store.revision, 0)
    assert.deepEqual(await store.write({ key: 't/a', value: Buffer.from('1'), expected: 0, actor: alice }), {
      ok: true,
      revision: 1,
      createRevision: 1,
    })
    const current = { key: 't/a', value: Buffer.from('1'), revision: 1, createRevision: 1 }
    assert.deepEqual(await store.write({ key: 't/a', value: Buffer.from('2'), expected: 0, actor: alice }), {
      ok: false,
      current,
    })
    assert.deepEqual(await store.write({ key: 't/a', value: null, expected: 7, actor: alice }), { ok: false, current })
    assert.deepEqual(await store.write({ key: 't/b', value: null, actor: alice }), { ok: false, current: undefined })
    assert.deepEqual(await store.write({ key: 't/b', value: null, expected: 0, actor: alice }), {
      ok: false,
      current: undefined,
    })
    assert.deepEqual(await store.write({ key: 't/b', value: Buffer.from('1'), expected: 3, actor: alice }), {
      ok: false,
      current: undefined,
    })
    assert.deepEqual(await store.write({ key: 't/a', value: Buffer.from('3'), expected: 1, actor: alice }), {
      ok: true,
      revision: 2,
      createRevision: 1,
    })
    assert.deepEqual(await store.write({ key: 't/a', value: null, expected: 2, actor: alice }), {
      ok: true,
      revision: 3,
      createRevision: 1,
    })
    assert.deepEqual(await store.write({ key: 't/a', value: Buffer.from('4'), actor: alice }), {
      ok: true,
      revision: 4,
      createRevision: 4,
    })
    assert.equal(store.revision, 4)
  })

  test('write lets one of many concurrent compares win', async () => {
    await using setting = await start(open)
    const { store } = setting
    await put(store, 't/a', 'start')
    const values = Array.from({ length: 50 }, (_, i) => Buffer.from(String(i)))
    const results = await Promise.all(
      values.map((value) => store.write({ key: 't/a', value, expected: 1, actor: alice })),
    )
    const winners = results.flatMap((result, i) => (result.ok ? [i] : []))
    assert.equal(winners.length, 1)
    const entry = { key: 't/a', value: values[winners[0] ?? -1], revision: 2, createRevision: 1 }
    assert.deepEqual(
      results.find(({ ok }) => !ok),
      { ok: false, current: entry },
    )
    assert.deepEqual(await store.get('t/a'), entry)
  })

  test('write refuses illegal keys, values and options, and takes the longest key there is', async () => {
    await using setting = await start(open)
    const { store } = setting
    const longest = `t/${'k'.repeat(MAX_KEY_BYTES - 2)}`
    for (const key of ['', 'tenantless', '/a', 't/', 't/a\0b', 't/\ud800', `${longest}k`]) {
      await assert.rejects(store.write({ key, value: Buffer.from(''), actor: alice }), InvalidWriteError, key)
    }
    const base = { key: 't/a', value: Buffer.from(''), actor: alice }
    for (const tweak of [
      { expected: -1 },
      { expected: 1.5 },
      { ttlSeconds: 0 },
      { ttlSeconds: Number.NaN },
      { value: Buffer.alloc(8 * 1024 * 1024 + 1) },
    ]) {
      await assert.rejects(store.write({ ...base, ...tweak }), InvalidWriteError)
    }
    assert.equal(store.revision, 0)
    await put(store, longest, 'long')
    await put(store, 't/empty', '')
    await put(store, longest, 'longer')
    assert.deepEqual(plain((await store.list('t/')).entries), [
      ['t/empty', '', 2],
      [longest, 'longer', 3],
    ])
    assert.deepEqual(plain((await store.list('t/', { revision: 2 })).entries), [
      ['t/empty', '', 2],
      [longest, 'long', 1],
    ])
    assert.equal((await store.history(longest)).changes.length, 2)
  })

  test('write keeps large values whole', async () => {
    await using setting = await start(open)
    const { store } = setting
    const value = Buffer.alloc(3 * 1024 * 1024, 'large ')
    await store.write({ key: 't/a', value, actor: alice })
    assert.ok((await store.get('t/a'))?.value.equals(value))
    assert.ok((await store.list('t/')).entries[0]?.value.equals(value))
  })

  test('write refuses more than waits at most', async () => {
    await using setting = await start(open, { limits: { waitingWrites: 3 } })
    const { store } = setting
    const results = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((name) => put(store, `t/${name}`, name)))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.ok(results.every((result) => result.status === 'fulfilled' || result.reason instanceof StoreBusyError))
    assert.equal(await put(store, 't/f', 'f'), 4)
  })
}

function readTests(open: OpenStore): void {
  test('get and list never show what revision does not cover yet', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (let i = 0; i < 20; i++) {
      let done = false
      const writing = put(store, 't/a', `${i}`).then(() => {
        done = true
      })
      for (let turn = 0; !done; turn++) {
        const seen = (await store.get('t/a'))?.revision ?? 0
        assert.ok(seen <= store.revision)
        const { entries, revision } = await store.list('t/')
        assert.ok((entries[0]?.revision ?? 0) <= revision)
        if (turn % 8 === 7) await nextTurn()
      }
      await writing
      assert.equal((await store.get('t/a'))?.revision, i + 1)
    }
  })

  test('list is in byte order, in pages, and stays within its prefix', async () => {
    await using setting = await start(open)
    const { store } = setting
    const keys = ['t/a', 't/a-b', 't/a/x', 't/a.b', 't/aa', 't/é', 't/\u{ffee}', 't/\u{1f600}', 'u/a', 'tt/a']
    for (const key of keys) await put(store, key, key)
    const ordered = ['t/a', 't/a-b', 't/a.b', 't/a/x', 't/aa', 't/é', 't/\u{ffee}', 't/\u{1f600}']
    for (const at of [{}, { revision: keys.length - 1 }]) {
      const seen: string[] = []
      let after: string | undefined
      let more = true
      while (more) {
        const page = await store.list('t/', { limit: 3, ...at, ...(after === undefined ? {} : { after }) })
        assert.ok(page.entries.length <= 3)
        seen.push(...page.entries.map(({ key }) => key))
        after = seen.at(-1)
        more = page.more
      }
      assert.deepEqual(seen, ordered)
    }
    assert.deepEqual(
      (await store.list('t/a/')).entries.map(({ key }) => key),
      ['t/a/x'],
    )
    assert.deepEqual((await store.list('t/', { limit: 8 })).more, false)
    assert.deepEqual((await store.list('t/', { limit: 0 })).entries.length, 8)
    assert.equal((await store.list('')).entries.length, keys.length)
    await assert.rejects(store.list('t'), InvalidWriteError)
  })

  test('get and list answer exactly as of an earlier revision', async () => {
    await using setting = await start(open)
    const { store } = setting
    await put(store, 't/a', 'a1')
    await put(store, 't/b', 'b2')
    await put(store, 't/a', 'a3')
    await put(store, 't/b', null)
    await put(store, 't/c', 'c5')
    await put(store, 't/b', 'b6')
    const lists = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((revision) => store.list('t/', { revision })))
    assert.deepEqual(
      lists.map(({ entries }) => plain(entries)),
      [
        [],
        [['t/a', 'a1', 1]],
        [
          ['t/a', 'a1', 1],
          ['t/b', 'b2', 2],
        ],
        [
          ['t/a', 'a3', 3],
          ['t/b', 'b2', 2],
        ],
        [['t/a', 'a3', 3]],
        [
          ['t/a', 'a3', 3],
          ['t/c', 'c5', 5],
        ],
        [
          ['t/a', 'a3', 3],
          ['t/b', 'b6', 6],
          ['t/c', 'c5', 5],
        ],
      ],
    )
    const gets = await Promise.all([1, 2, 3, 4, 5, 6].map((revision) => store.get('t/b', { revision })))
    assert.deepEqual(
      gets.map((entry) => entry?.value.toString()),
      [undefined, 'b2', 'b2', undefined, undefined, 'b6'],
    )
    assert.deepEqual(
      gets.map((entry) => entry?.createRevision),
      [undefined, 2, 2, undefined, undefined, 6],
    )
    await assert.rejects(store.get('t/a', { revision: 7 }), FutureRevisionError)
    await assert.rejects(store.list('t/', { revision: 7 }), FutureRevisionError)
  })

  test('get and list refuse what lies below the floor, and are exact from it on', async () => {
    await using setting = await start(open)
    const { store } = setting
    for (let i = 1; i <= 6; i++) await put(store, 't/a', `a${i}`)
    await put(store, 't/b', 'b7')
    await store.compact(4)
    assert.equal(store.compacted, 4)
    await until(setting, async () => (await store.history('t/a')).changes.length === 3)
    assert.equal((await store.get('t/a', { revision: 4 }))?.value.toString(), 'a4')
    assert.deepEqual(plain((await store.list('t/', { revision: 5 })).entries), [['t/a', 'a5', 5]])
    await assert.rejects(store.get('t/a', { revision: 3 }), CompactedError)
    await assert.rejects(store.list('t/', { revision: 3 }), CompactedError)
    await assert.rejects(store.compact(8), FutureRevisionError)
    await store.compact(2)
    assert.equal(store.compacted, 4)
  })
}

function ttlTests(open: OpenStore): void {
  test('write with a time to live is deleted when it has passed, and not before', async () => {
    await using setting = await start(open)
    const { store, clock } = setting
    await put(store, 't/short', 'x', { ttlSeconds: 60 })
    await put(store, 't/long', 'x', { ttlSeconds: 3600 })
    await put(store, 't/renewed', 'x', { ttlSeconds: 60 })
    await put(store, 't/kept', 'x', { ttlSeconds: 60 })
    await put(store, 't/renewed', 'y', { ttlSeconds: 120 })
    await put(store, 't/kept', 'y')
    clock.advance(59_000)
    await put(store, 't/now', 'x')
    assert.equal((await store.list('t/')).entries.length, 5)
    clock.advance(1_000)
    await until(setting, () => store.revision === 8)
    assert.deepEqual(
      (await store.list('t/')).entries.map(({ key }) => key),
      ['t/kept', 't/long', 't/now', 't/renewed'],
    )
    const [last] = (await store.history('t/short')).changes
    assert.deepEqual([last?.type, last?.actor.user, last?.previous?.value.toString()], ['delete', TTL_USER, 'x'])
    clock.advance(3_600_000)
    await until(setting, () => store.revision === 10)
    assert.deepEqual(
      (await store.list('t/')).entries.map(({ key }) => key),
      ['t/kept', 't/now'],
    )
  })
}

function lifeTests(open: OpenStore): void {
  test('dispose finishes what was accepted and refuses what comes after', async () => {
    const { store } = await start(open)
    const accepted = put(store, 't/a', 'a')
    await store[Symbol.asyncDispose]()
    assert.equal(await accepted, 1)
    await assert.rejects(put(store, 't/b', 'b'), StoreClosedError)
    await assert.rejects(store.get('t/a'), StoreClosedError)
    await store[Symbol.asyncDispose]()
  })
}
