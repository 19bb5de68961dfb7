// Snapshots restore exactly, twice in a row and into another store; what is not a whole snapshot is refused before anything is written.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { alice, put } from '../conformance.ts'
import { openMemoryStore } from '../memory/memory.ts'
import type { Store } from '../store.ts'
import { ManualClock } from '../testing-clock.ts'
import { RestoreDisturbedError, restoreSnapshot, SnapshotError, snapshotOf } from './snapshot.ts'

const directory = mkdtempSync(join(tmpdir(), 'drover-snapshot-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const open = (): Store => openMemoryStore({ clock: new ManualClock(), log: silentLogger })

async function bytesOf(store: Store): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(snapshotOf(store, 1_900_000_000_000)))
}

function file(bytes: Buffer): string {
  const path = join(directory, 'snapshot')
  writeFileSync(path, bytes)
  return path
}

const restore = (store: Store, path: string) =>
  restoreSnapshot({
    path,
    store,
    actor: { ...alice, user: 'restore' },
    ttlSecondsOf: (key) => (key.includes('event') ? 60 : undefined),
  })

async function contentOf(store: Store): Promise<Record<string, string>> {
  const { entries } = await store.list('')
  return Object.fromEntries(entries.map(({ key, value }) => [key, value.toString()]))
}

test('a snapshot is restored exactly: what was changed is as it was, what was not in it is gone', async () => {
  await using store = open()
  for (let i = 0; i < 1200; i++) await put(store, `t/${i}`, `${i}`)
  await put(store, 't/é', '')
  const content = await contentOf(store)
  const path = file(await bytesOf(store))
  await put(store, 't/7', 'changed')
  await put(store, 't/8', null)
  await put(store, 't/new', 'new')
  await put(store, 'a/first', 'new')
  await put(store, 'z/last', 'new')
  const before = store.revision
  assert.deepEqual(await restore(store, path), { written: 2, deleted: 3, unchanged: 1199 })
  assert.deepEqual(await contentOf(store), content)
  assert.equal(store.revision, before + 5)
  assert.equal((await store.history('t/7')).changes[0]?.actor.user, 'restore')
  assert.deepEqual(await restore(store, path), { written: 0, deleted: 0, unchanged: 1201 })
  await using other = open()
  assert.deepEqual(await restore(other, path), { written: 1201, deleted: 0, unchanged: 0 })
  assert.deepEqual(await contentOf(other), content)
})

test('a snapshot is of one revision, whatever is written while it is taken', async () => {
  await using store = open()
  for (let i = 0; i < 1200; i++) await put(store, `t/${i}`, 'old')
  const content = await contentOf(store)
  const chunks: Buffer[] = []
  for await (const chunk of snapshotOf(store, 0)) {
    if (chunks.length === 1) for (let i = 0; i < 1200; i += 10) await put(store, `t/${i}`, i % 20 === 0 ? 'new' : null)
    chunks.push(chunk)
  }
  await using other = open()
  await restore(other, file(Buffer.concat(chunks)))
  assert.deepEqual(await contentOf(other), content)
})

test('what lives for a time is restored for a time', async () => {
  const clock = new ManualClock()
  await using store = openMemoryStore({ clock, log: silentLogger })
  await put(store, 't/event', 'x')
  await put(store, 't/kept', 'x')
  const path = file(await bytesOf(store))
  await using other = openMemoryStore({ clock, log: silentLogger })
  await restore(other, path)
  clock.advance(61_000)
  while (other.revision < 3) await new Promise(setImmediate)
  assert.deepEqual(Object.keys(await contentOf(other)), ['t/kept'])
})

test('a restore that is disturbed says so, and can be done again', async () => {
  await using store = open()
  await put(store, 't/a', 'a')
  const path = file(await bytesOf(store))
  await put(store, 't/a', 'b')
  const disturbed: Store = Object.create(store, {
    list: { value: store.list.bind(store) },
    write: {
      value: async (write: Parameters<Store['write']>[0]) => {
        await put(store, 't/a', 'c')
        return store.write(write)
      },
    },
  })
  await assert.rejects(restore(disturbed, path), RestoreDisturbedError)
  await restore(store, path)
  assert.deepEqual(await contentOf(store), { 't/a': 'a' })
})

describe('a file that is not a whole snapshot is refused, and nothing is written', async () => {
  await using source = open()
  for (const key of ['t/a', 't/b']) await put(source, key, 'value')
  const good = await bytesOf(source)
  const changed = (at: number, to: number): Buffer => {
    const bytes = Buffer.from(good)
    bytes[at] = to
    return bytes
  }
  const cases: Record<string, [Buffer, RegExp]> = {
    empty: [Buffer.alloc(0), /is not a snapshot of Drover/],
    'something else': [Buffer.from('apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n'), /is not a snapshot of Drover/],
    'of a later format': [changed(11, 2), /in format 2 and this version reads format 1/],
    'cut in the head': [good.subarray(0, 20), /is not a snapshot of Drover/],
    'cut in an entry': [good.subarray(0, 40), /is cut short after 40 bytes/],
    'cut before its end': [good.subarray(0, good.length - 1), /is cut short/],
    'with a changed byte': [changed(38, 0x58), /its checksum does not fit its content/],
    'with a changed digest': [changed(good.length - 1, (good.at(-1) ?? 0) ^ 1), /its checksum does not fit/],
    'with a size that cannot be': [changed(30, 0xff), /an entry is larger than any can be/],
    'with something after it': [Buffer.concat([good, Buffer.from('x')]), /something follows its end/],
  }
  for (const [name, [bytes, message]] of Object.entries(cases))
    test(name, async () => {
      await using store = open()
      await put(store, 't/mine', 'x')
      const path = file(bytes)
      await assert.rejects(
        restore(store, path),
        (error) => error instanceof SnapshotError && message.test(error.message),
      )
      assert.equal(store.revision, 1)
    })
  test('a directory', async () => {
    await using store = open()
    await assert.rejects(restore(store, directory), /is not a file/)
  })
  test('the good one is good', async () => {
    await using store = open()
    assert.deepEqual(await restore(store, file(good)), { written: 2, deleted: 0, unchanged: 0 })
    assert.deepEqual(readFileSync(file(good)), good)
  })
})
