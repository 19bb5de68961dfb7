// Many clients on few keys, a store that dies again and again, and one history of it all that has to make sense.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '../base/log.ts'
import { type Random, seededRandom } from '../base/random.ts'
import { alice } from './conformance.ts'
import { openLedger } from './ledger/ledger.ts'
import type { Tables } from './ledger/tables.ts'
import { openLmdbTables } from './lmdb/tables.ts'
import { MemoryTables } from './memory/memory.ts'
import { type Change, type Store, StoreFailedError, type WatchBatch } from './store.ts'
import { checkHistory, type RecordedWatch, type RecordedWrite } from './testing-checker.ts'
import { ManualClock } from './testing-clock.ts'
import { CrashingTables } from './testing-crashing-tables.ts'
import { type Action, checkLinearizable, type Operation, type WriteAnswer } from './testing-linearizability.ts'

const LIVES = 12
const CLIENTS = 8
const KEYS = 4
const CRASH_CHANCE = 0.04
/** A life that does not end by itself ends after so many operations of each client. */
const MAX_OPERATIONS = 60

interface Storm {
  random: Random
  /** What time is in the history. */
  now: number
  history: Operation[]
  watches: (RecordedWatch & { batches: WatchBatch[] })[]
}

/** One life of the store: until it dies, or everybody has had enough. */
async function live(store: Store, storm: Storm, life: number): Promise<void> {
  const stop = new AbortController()
  const watching = [watchFrom(store, { storm, prefix: 't/', after: 0, stop }), resume(store, storm, stop)]
  await Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(store, storm, `${life}.${name}`)))
  store.requestProgress()
  await nextTurn()
  stop.abort()
  await Promise.all(watching)
}

async function client(store: Store, storm: Storm, name: string): Promise<void> {
  const { random, history } = storm
  let known: { key: string; revision: number } | undefined
  for (let i = 0; i < MAX_OPERATIONS; i++) {
    const key = `t/${Math.floor(random.next() * KEYS)}`
    const called = storm.now++
    try {
      const action =
        random.next() < 0.3 ? await get(store, key) : await write(store, { key, known, random, value: `${name}.${i}` })
      history.push({ key, action, called, returned: storm.now++ })
      known = knownFrom(key, action)
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      history.push({ key, action: error.action, called, returned: Number.POSITIVE_INFINITY })
      return
    }
    if (random.next() < 0.2) await nextTurn()
  }
}

class Unanswered extends Error {
  readonly action: Action

  constructor(action: Action, cause: unknown) {
    super('The store died', { cause })
    this.action = action
  }
}

async function get(store: Store, key: string): Promise<Action> {
  const entry = await store.get(key)
  return { do: 'get', saw: entry && { value: entry.value.toString(), revision: entry.revision } }
}

interface Wanted {
  key: string
  value: string
  known: { key: string; revision: number } | undefined
  random: Random
}

async function write(store: Store, { key, value, known, random }: Wanted): Promise<Action> {
  const wanted = random.next() < 0.25 ? null : value
  const compare = random.next() < 0.5
  const expected = compare ? { expected: known?.key === key ? known.revision : 0 } : {}
  const asked = { do: 'write' as const, value: wanted, ...expected }
  try {
    const bytes = wanted === null ? null : Buffer.from(wanted)
    const result = await store.write({ key, value: bytes, ...expected, actor: alice })
    const answer: WriteAnswer = result.ok
      ? { ok: true, revision: result.revision }
      : {
          ok: false,
          current: result.current && { value: result.current.value.toString(), revision: result.current.revision },
        }
    return { ...asked, answer }
  } catch (error) {
    if (!(error instanceof StoreFailedError)) throw error
    throw new Unanswered({ ...asked, answer: 'unknown' }, error)
  }
}

/** What a compare-and-swap can build on next. */
function knownFrom(key: string, action: Action): { key: string; revision: number } | undefined {
  if (action.do === 'get') return action.saw && { key, revision: action.saw.revision }
  const { answer } = action
  if (answer === 'unknown') return undefined
  if (answer.ok) return action.value === null ? undefined : { key, revision: answer.revision }
  return answer.current && { key, revision: answer.current.revision }
}

interface Watching {
  storm: Storm
  prefix: string
  after: number
  stop: AbortController
}

async function watchFrom(store: Store, { storm, prefix, after, stop }: Watching): Promise<void> {
  const watch = { prefix, after, batches: [] as WatchBatch[] }
  storm.watches.push(watch)
  try {
    for await (const batch of store.watch(prefix, { after, signal: stop.signal })) watch.batches.push(batch)
  } catch (error) {
    assert.equal(error, stop.signal.reason)
  }
}

/** Goes on in this life where a watch of the life before had come to. */
async function resume(store: Store, storm: Storm, stop: AbortController): Promise<void> {
  const last = storm.watches.findLast(({ prefix }) => prefix === '')
  const after = last?.batches.at(-1)?.revision ?? last?.after ?? 0
  await watchFrom(store, { storm, prefix: '', after, stop })
}

/** What the log says happened in the end, the unanswered writes among it. */
async function logOf(store: Store): Promise<RecordedWrite[]> {
  const changes: Change[] = []
  for await (const batch of store.watch('', { after: 0, signal: new AbortController().signal })) {
    changes.push(...batch.changes)
    if (batch.revision >= store.revision) break
  }
  return changes.map(({ key, value, revision, createRevision }) => ({
    key,
    value: value?.toString() ?? null,
    revision,
    createRevision,
  }))
}

/** `open` opens what the life before has left. */
async function storms(open: () => Promise<Tables>, seed: number): Promise<void> {
  const storm: Storm = { random: seededRandom(seed), now: 1, history: [], watches: [] }
  const options = { clock: new ManualClock(), log: silentLogger }
  for (let life = 0; life < LIVES; life++) {
    const tables = new CrashingTables(await open(), { random: storm.random, chance: CRASH_CHANCE })
    await using store = openLedger(tables, options)
    await live(store, storm, life)
  }
  await using store = openLedger(await open(), options)
  const unanswered = storm.history.filter(({ returned }) => !Number.isFinite(returned))
  assert.ok(unanswered.length > LIVES / 2, 'the store hardly died')
  assert.deepEqual(checkLinearizable(storm.history), [])
  assert.deepEqual(checkHistory({ writes: await logOf(store), watches: storm.watches }), [])
}

for (const seed of [1, 2, 3]) {
  test(`memory store is linearizable over ${LIVES} lives, and its watches keep their promises, seed ${seed}`, async () => {
    const tables = new MemoryTables()
    // What dies is the process: the tables are what it leaves.
    const kept: Tables = {
      keepsRows: tables.keepsRows,
      gatheringTurns: tables.gatheringTurns,
      get: (table, key) => tables.get(table, key),
      range: (table, range) => tables.range(table, range),
      commit: (mutations) => tables.commit(mutations),
      refresh: () => tables.refresh(),
      async [Symbol.asyncDispose]() {},
    }
    await storms(async () => kept, seed)
  })

  test(`LMDB store is linearizable over ${LIVES} lives, and its watches keep their promises, seed ${seed}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-linear-'))
    try {
      await storms(() => openLmdbTables(directory, join(directory, 'store.mdb')), seed)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
}
