// Which images go, and when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesToFree, chooseImages, IMAGE_GARBAGE_POLICY, type ImageRecord } from './garbage.ts'

const GIB = 2 ** 30
const rows: readonly [available: number, expected: number][] = [
  [50, 0],
  [16, 0],
  // Whole percents: 15.5 available are 85 used.
  [15.5, 4.5],
  [15, 5],
  [1, 19],
]
for (const [available, expected] of rows)
  test(`with ${available} of 100 available, ${expected} are to be freed`, () => {
    const usage = { capacityBytes: 100 * GIB, availableBytes: available * GIB }
    assert.equal(bytesToFree(usage, IMAGE_GARBAGE_POLICY), expected * GIB)
  })

test('a disk without a size is left alone', () => {
  assert.equal(bytesToFree({ capacityBytes: 0, availableBytes: 0 }, IMAGE_GARBAGE_POLICY), 0)
})

const image = (id: string, more: Partial<ImageRecord> = {}): ImageRecord => ({
  id,
  sizeBytes: 10,
  detectedAt: 0,
  usedAt: 0,
  pinned: false,
  ...more,
})
const now = 1_000_000
const choose = (records: readonly ImageRecord[], bytes: number) =>
  chooseImages(records, { bytes, now, minAgeMs: 120_000 }).remove.map(({ id }) => id)

test('the one unused for longest goes first, then the one that came first', () => {
  const records = [image('c', { usedAt: 5 }), image('b', { detectedAt: 2 }), image('a', { detectedAt: 1 })]
  assert.deepEqual(choose(records, 1), ['a'])
  assert.deepEqual(choose(records, 11), ['a', 'b'])
  assert.deepEqual(choose(records, Number.POSITIVE_INFINITY), ['a', 'b', 'c'])
})

test('what is in use, pinned or new stays', () => {
  const records = [
    image('used', { usedAt: now }),
    image('pinned', { pinned: true }),
    image('new', { detectedAt: now - 119_999 }),
    image('old', { detectedAt: now - 120_000 }),
  ]
  assert.deepEqual(choose(records, Number.POSITIVE_INFINITY), ['old'])
})

test('no more is removed than is needed, and nothing that is used', () => {
  const record = fc.record({
    id: fc.uuid(),
    sizeBytes: fc.nat(100),
    detectedAt: fc.nat(now),
    usedAt: fc.oneof(fc.nat(now), fc.constant(now)),
    pinned: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(record), fc.nat(500), (records, bytes) => {
      const { remove, freedBytes } = chooseImages(records, { bytes, now, minAgeMs: 1000 })
      assert.ok(remove.every(({ usedAt, pinned }) => usedAt < now && !pinned))
      const last = remove.at(-1)
      if (last !== undefined) assert.ok(freedBytes - last.sizeBytes < bytes)
    }),
  )
})
