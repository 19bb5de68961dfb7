// A store on a disk that is really full: writes say so, reads work, nothing is half-written, and all is well once there is room.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { openLmdbStore } from '../../../src/store/lmdb/lmdb.ts'
import { StoreFullError } from '../../../src/store/store.ts'

const actor = { user: 'alice', verb: 'update', requestID: '' }
let disk = ''

before(async () => {
  disk = await mkdtemp(join(tmpdir(), 'drover-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'drover-full', disk])
})
after(async () => {
  execFileSync('umount', [disk])
  await rm(disk, { recursive: true })
})

test('store on a full disk rejects writes, serves reads, and recovers when there is room', async () => {
  const directory = join(disk, 'store')
  const open = () => openLmdbStore({ directory, clock: systemClock, log: silentLogger })
  const value = Buffer.alloc(30_000, 'x')
  let written = 0
  {
    await using store = await open()
    await writeFile(join(disk, 'ballast'), Buffer.alloc(1024 * 1024))
    await assert.rejects(async () => {
      while (written < 1000) {
        await store.write({ key: `t/${written}`, value, actor })
        written++
      }
    }, StoreFullError)
    assert.ok(written > 10)
    // Several writes that share a commit fail together, and none of them is there.
    const results = await Promise.allSettled(['a', 'b'].map((key) => store.write({ key: `t/${key}`, value, actor })))
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof StoreFullError))
    assert.deepEqual([store.revision, (await store.list('t/')).entries.length], [written, written])

    await rm(join(disk, 'ballast'))
    assert.deepEqual(await store.write({ key: 't/after', value, actor }), {
      ok: true,
      revision: written + 1,
      createRevision: written + 1,
    })
  }
  await using store = await open()
  assert.equal(store.revision, written + 1)
  const { entries } = await store.list('t/')
  assert.equal(entries.length, written + 1)
  assert.ok(entries.every((entry) => entry.value.equals(value)))
})
