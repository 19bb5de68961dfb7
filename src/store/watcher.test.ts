// A watch that has caught up delivers what is new to it, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, DEFAULT_LIMITS } from './store.ts'
import { Watcher } from './watcher.ts'

const actor = { user: 'u', verb: 'update', requestID: '' }
const change = (revision: number, key = 't/a'): Change => ({
  type: 'put',
  key,
  revision,
  createRevision: revision,
  timeMs: 0,
  value: Buffer.from('x'),
  actor,
})

test('Watcher drops what its consumer has seen, and what is under another prefix', async () => {
  const watcher = new Watcher('t/', 3, DEFAULT_LIMITS)
  watcher.offer([change(2), change(3), change(4), change(5, 'tt/a')], 5)
  watcher.offer([change(5), change(6)], 6)
  const stop = new AbortController()
  const told: [number[], number][] = []
  for await (const { changes, revision } of watcher.follow(stop.signal)) {
    told.push([changes.map((one) => one.revision), revision])
    break
  }
  assert.deepEqual(told, [[[4, 6], 6]])
})
