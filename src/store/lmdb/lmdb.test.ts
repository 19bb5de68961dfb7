// The LMDB engine passes the contract, survives being reopened, and says clearly why it cannot be opened.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { open } from 'lmdb'
import { silentLogger } from '../../base/log.ts'
import { alice, plain, put, storeConformance, until } from '../conformance.ts'
import type { StoreOptions } from '../store.ts'
import { StoreFormatError, StoreLockedError } from '../store.ts'
import { ManualClock } from '../testing-clock.ts'
import { openLmdbStore } from './lmdb.ts'
import { openLmdbTables } from './tables.ts'

let root = ''
let made = 0
const directory = (): string => join(root, String(made++))

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-store-'))
})
after(async () => {
  await rm(root, { recursive: true })
})

storeConformance('lmdb', async (options) => await openLmdbStore({ ...options, directory: directory() }))

const writer = new URL('./testing-writer.ts', import.meta.url).pathname

describe('openLmdbStore()', () => {
  const options = (clock = new ManualClock()): StoreOptions => ({ clock, log: silentLogger })

  test('finds everything again, and goes on from there', async () => {
    const where = directory()
    const clock = new ManualClock()
    {
      await using store = await openLmdbStore({ ...options(clock), directory: where })
      for (const value of ['1', '2', '3']) await put(store, 't/a', value)
      await put(store, 't/short', 'x', { ttlSeconds: 60 })
      await put(store, 't/last', 'x')
      await put(store, 't/last', null)
      await store.compact(2)
    }
    clock.advance(60_000)
    await using store = await openLmdbStore({ ...options(clock), directory: where })
    assert.deepEqual([store.revision, store.compacted], [6, 2])
    assert.deepEqual(plain((await store.list('t/', { revision: 2 })).entries), [['t/a', '2', 2]])
    await until({ store, clock }, () => store.revision === 7)
    assert.deepEqual((await store.history('t/short')).changes[0]?.actor.user, 'system:ttl')
    assert.equal(await put(store, 't/a', '4', { expected: 3 }), 8)
  })

  test('never gives a revision again, even when nothing of it is left', async () => {
    const where = directory()
    const clock = new ManualClock()
    {
      await using store = await openLmdbStore({ ...options(clock), directory: where })
      await put(store, 't/a', '1')
      await put(store, 't/a', null)
      await store.compact(2)
      await until({ store, clock }, async () => (await store.history('')).changes.length === 0)
    }
    // The clock of the machine has gone back meanwhile.
    await using store = await openLmdbStore({ ...options(new ManualClock(0)), directory: where })
    assert.equal(await put(store, 't/a', '2'), 3)
    assert.equal((await store.history('t/a')).changes[0]?.timeMs, Date.parse('2030-01-01T12:00:00Z'))
  })

  test('makes a directory that only its owner can read', async () => {
    const where = directory()
    await using _store = await openLmdbStore({ ...options(), directory: where })
    assert.equal((await stat(where)).mode & 0o777, 0o700)
  })

  test('refuses a directory that is open in this process', async () => {
    const where = directory()
    await using _store = await openLmdbStore({ ...options(), directory: where })
    await assert.rejects(openLmdbStore({ ...options(), directory: where }), new StoreLockedError(where, process.pid))
  })

  test('refuses a directory that another process has open, and takes it over when that has been killed', async () => {
    const where = directory()
    const child = spawn(process.execPath, [writer, where], { stdio: ['pipe', 'pipe', 'inherit'] })
    // The first line says that it is open, the next ones what is acknowledged.
    for await (const line of createInterface(child.stdout)) if (line.includes('createRevision')) break
    assert.ok(child.pid !== undefined)
    await assert.rejects(openLmdbStore({ ...options(), directory: where }), new StoreLockedError(where, child.pid))
    child.kill('SIGKILL')
    await once(child, 'exit')
    await using store = await openLmdbStore({ ...options(), directory: where })
    assert.ok(store.revision > 0)
  })

  test('fails, and does not go on, where a row of the log would not come behind the others', async () => {
    const where = directory()
    const value = Buffer.from('x')
    await using tables = await openLmdbTables(where, join(where, 'store.mdb'))
    await tables.commit([{ table: 'log', key: Buffer.from([2]), value }])
    await assert.rejects(tables.commit([{ table: 'log', key: Buffer.from([1]), value }]), /Cannot commit to the store/)
  })

  test('refuses the format of another version, and what is no store at all', async () => {
    const where = directory()
    await (await openLmdbStore({ ...options(), directory: where }))[Symbol.asyncDispose]()
    const env = open<Buffer, Buffer>({
      path: join(where, 'store.mdb'),
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    await env
      .openDB<Buffer, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' })
      .put(Buffer.from('format'), Buffer.from('99'))
    await env.close()
    await assert.rejects(openLmdbStore({ ...options(), directory: where }), new StoreFormatError(where, '99', 1))

    const other = directory()
    await (await openLmdbStore({ ...options(), directory: other }))[Symbol.asyncDispose]()
    await writeFile(join(other, 'store.mdb'), 'this is a letter, not a database'.repeat(1000))
    await assert.rejects(openLmdbStore({ ...options(), directory: other }), StoreFormatError)
  })

  test('keeps every byte of values and actors', async () => {
    const where = directory()
    const value = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    {
      await using store = await openLmdbStore({ ...options(), directory: where })
      await store.write({ key: 't/bytes', value, actor: alice })
    }
    await using store = await openLmdbStore({ ...options(), directory: where })
    const [change] = (await store.history('t/bytes')).changes
    assert.deepEqual([change?.value, change?.actor], [value, alice])
  })
})
