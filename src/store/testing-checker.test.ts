// The checker's own test: it accepts a good history and names what is wrong with each bad one.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Change, WatchBatch } from './store.ts'
import type { RecordedHistory, RecordedWrite } from './testing-checker.ts'
import { checkHistory } from './testing-checker.ts'

const actor = { user: 'u', verb: 'update', requestID: '' }

const writes: RecordedWrite[] = [
  { key: 't/a', value: 'a1', revision: 1, createRevision: 1 },
  { key: 't/b', value: 'b2', revision: 2, createRevision: 2 },
  { key: 't/a', value: 'a3', revision: 3, createRevision: 1 },
  { key: 't/b', value: null, revision: 4, createRevision: 2 },
  { key: 'u/c', value: 'c5', revision: 5, createRevision: 5 },
  { key: 't/b', value: 'b6', revision: 6, createRevision: 6 },
]

function change(revision: number, tweak: Partial<Change> = {}): Change {
  const write = writes[revision - 1]
  assert.ok(write)
  const before = writes.filter(({ key, revision: at }) => key === write.key && at < revision).at(-1)
  return {
    type: write.value === null ? 'delete' : 'put',
    key: write.key,
    revision,
    createRevision: write.createRevision,
    timeMs: 0,
    ...(write.value === null ? {} : { value: Buffer.from(write.value) }),
    ...(before?.value ? { previous: { value: Buffer.from(before.value), revision: before.revision } } : {}),
    actor,
    ...tweak,
  }
}

function watched(batches: WatchBatch[], { prefix = 't/', after = 1 } = {}): RecordedHistory {
  return { writes, watches: [{ prefix, after, batches }] }
}

function batch(revision: number, ...changes: Change[]): WatchBatch {
  return { revision, changes }
}

function entry(key: string, value: string, revision: number, createRevision = revision) {
  return { key, value: Buffer.from(value), revision, createRevision }
}

/** Two that expire at once: one revision, two deletions. */
const expired: RecordedWrite[] = [
  { key: 't/a', value: 'a1', revision: 1, createRevision: 1 },
  { key: 't/b', value: 'b2', revision: 2, createRevision: 2 },
  { key: 't/a', value: null, revision: 3, createRevision: 1 },
  { key: 't/b', value: null, revision: 3, createRevision: 2 },
]
const expiry = (name: 'a' | 'b', createRevision: number): Change => ({
  type: 'delete',
  key: `t/${name}`,
  revision: 3,
  createRevision,
  timeMs: 0,
  previous: { value: Buffer.from(`${name}${createRevision}`), revision: createRevision },
  actor,
})
const bothExpired = [expiry('a', 1), expiry('b', 2)]

const good: Record<string, RecordedHistory> = {
  'an empty history': { writes: [] },
  'a watch from the start': watched(
    [batch(3, change(1), change(2), change(3)), batch(4, change(4)), batch(6, change(6))],
    { after: 0 },
  ),
  'a resumed watch with progress': watched([batch(2, change(2)), batch(2), batch(4, change(3), change(4)), batch(5)]),
  'two that expire at once': {
    writes: expired,
    watches: [{ prefix: 't/', after: 2, batches: [batch(3, ...bothExpired)] }],
  },
  'a watch cut short': watched([batch(2, change(2))]),
  'a read during a write': { writes, reads: [{ key: 't/a', from: 2, to: 3, seen: entry('t/a', 'a1', 1) }] },
  'a read of what is gone': { writes, reads: [{ key: 't/b', from: 4, to: 5, seen: undefined }] },
  'an exact list': {
    writes,
    lists: [{ prefix: 't/', from: 2, to: 4, revision: 3, entries: [entry('t/a', 'a3', 3, 1), entry('t/b', 'b2', 2)] }],
  },
}

const bad: Record<string, [history: RecordedHistory, complaint: RegExp]> = {
  'a revision that is skipped': [{ writes: writes.filter(({ revision }) => revision !== 3) }, /write 3 has revision 4/],
  'a revision that is given twice': [
    { writes: [...writes.slice(0, 1), { key: 't/x', value: 'x', revision: 1, createRevision: 1 }] },
    /write 2 has revision 1/,
  ],
  'a create revision that survives deletion': [
    { writes: [...writes.slice(0, 5), { key: 't/b', value: 'b6', revision: 6, createRevision: 2 }] },
    /was created at 6/,
  ],
  'a delete of what is not there': [
    { writes: [{ key: 't/a', value: null, revision: 1, createRevision: 1 }] },
    /without being there/,
  ],
  'a change lost': [watched([batch(4, change(2), change(4))]), /missed 3 \(not reliable\)/],
  'a change lost by an empty batch': [watched([batch(6)]), /missed 2 .*/],
  'a change delivered twice': [watched([batch(2, change(2)), batch(3, change(2), change(3))]), /not unique/],
  'a change twice in a batch': [watched([batch(3, change(2), change(2), change(3))]), /not unique/],
  'changes out of order': [watched([batch(3, change(3), change(2))]), /not ordered/],
  'a change from before the start': [watched([batch(3, change(2), change(3))], { after: 2 }), /not unique|not ordered/],
  'a change of another prefix': [
    watched([batch(6, change(2), change(3), change(4), change(5), change(6))]),
    /not filtered/,
  ],
  'a wrong value': [watched([batch(2, change(2, { value: Buffer.from('?') }))]), /something else at 2/],
  'a wrong type': [watched([batch(2, change(2, { type: 'delete' }))]), /something else at 2/],
  'a wrong create revision': [watched([batch(3, change(2), change(3, { createRevision: 3 }))]), /something else at 3/],
  'a wrong previous value': [
    watched([batch(3, change(2), change(3, { previous: { value: Buffer.from('a0'), revision: 1 } }))]),
    /wrong previous value at 3/,
  ],
  'a previous revision that is too old': [
    watched([batch(3, change(2), change(3, { previous: { value: Buffer.from('a1'), revision: 0 } }))]),
    /wrong previous value at 3/,
  ],
  'a previous value across a deletion': [
    watched([
      batch(6, change(2), change(3), change(4), change(6, { previous: { value: Buffer.from('b2'), revision: 2 } })),
    ]),
    /wrong previous value at 6/,
  ],
  'progress that goes back': [watched([batch(4, change(2), change(3), change(4)), batch(3)]), /went back from 4 to 3/],
  'progress behind its own changes': [watched([batch(2, change(2), change(3))]), /delivered 3 in a batch of 2/],
  'a revision in two batches': [
    { writes: expired, watches: [{ prefix: 't/', after: 2, batches: bothExpired.map((one) => batch(3, one)) }] },
    /not atomic/,
  ],
  'half a revision': [
    { writes: expired, watches: [{ prefix: 't/', after: 2, batches: [batch(3, expiry('a', 1))] }] },
    /missed 3/,
  ],
  'a claim beyond the end': [watched([batch(7, change(2), change(3), change(4), change(6))]), /not bookmarkable/],
  'a stale read': [{ writes, reads: [{ key: 't/a', from: 3, to: 6, seen: entry('t/a', 'a1', 1) }] }, /saw revision 1/],
  'a read of the future': [
    { writes, reads: [{ key: 't/a', from: 1, to: 2, seen: entry('t/a', 'a3', 3, 1) }] },
    /saw revision 3/,
  ],
  'a read that saw nothing': [{ writes, reads: [{ key: 't/a', from: 1, to: 6, seen: undefined }] }, /saw nothing/],
  'a read that saw the dead': [
    { writes, reads: [{ key: 't/b', from: 4, to: 5, seen: entry('t/b', 'b2', 2) }] },
    /saw revision 2/,
  ],
  'a list that misses an entry': [
    { writes, lists: [{ prefix: 't/', from: 3, to: 3, revision: 3, entries: [entry('t/a', 'a3', 3, 1)] }] },
    /and not t\/a@3 t\/b@2/,
  ],
  'a list of mixed revisions': [
    {
      writes,
      lists: [{ prefix: 't/', from: 3, to: 3, revision: 3, entries: [entry('t/a', 'a1', 1), entry('t/b', 'b2', 2)] }],
    },
    /holds t\/a@1/,
  ],
  'a list of the past': [
    { writes, lists: [{ prefix: 'u/', from: 4, to: 6, revision: 2, entries: [] }] },
    /is of revision 2/,
  ],
}

describe('checkHistory()', () => {
  for (const [name, history] of Object.entries(good)) {
    test(`accepts ${name}`, () => assert.deepEqual(checkHistory(history), []))
  }
  for (const [name, [history, complaint]] of Object.entries(bad)) {
    test(`rejects ${name}`, () => assert.match(checkHistory(history).join('\n'), complaint))
  }
})
