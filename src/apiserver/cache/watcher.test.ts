// A reader that does not read costs no more than its limits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_WATCH_QUEUE, MAX_WATCH_QUEUE_BYTES, Watcher } from './watcher.ts'

const frame = { type: 'ADDED' as const, line: Buffer.alloc(0), object: {} }

function filled(sizeBytes: number): { taken: number; ended: boolean; read: () => Promise<number> } {
  let ended = false
  const watcher = new Watcher({ namespace: '' }, { bookmarks: false, after: 0 }, () => {
    ended = true
  })
  let taken = 0
  while (!ended) {
    watcher.push(frame, sizeBytes)
    if (!ended) taken++
  }
  const read = async (): Promise<number> => (await Array.fromAsync(watcher)).flat().length
  return { taken, ended, read }
}

test('Watcher ends, and still delivers what it took, when its reader falls behind by count or by bytes', async () => {
  const byCount = filled(1)
  assert.deepEqual([byCount.taken, await byCount.read()], [MAX_WATCH_QUEUE, MAX_WATCH_QUEUE])
  const megabyte = 1024 * 1024
  const byBytes = filled(megabyte)
  assert.deepEqual([byBytes.taken, await byBytes.read()], Array(2).fill(MAX_WATCH_QUEUE_BYTES / megabyte))
  // An object larger than the limit still gets through, alone.
  assert.equal(filled(2 * MAX_WATCH_QUEUE_BYTES).taken, 1)
})
