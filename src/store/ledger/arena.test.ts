import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arena } from './arena.ts'

test('what is taken does not overlap, whatever does not fit has memory of its own, and all is used again after reset', () => {
  const arena = new Arena()
  const sizes = [1, 39, 3_000, 200_000, 100_000, 7, 1_000_000]
  const taken = sizes.map((size, i) => arena.take(size).fill(i))
  assert.deepEqual(
    taken.map((bytes) => bytes.length),
    sizes,
  )
  for (const [i, bytes] of taken.entries()) assert.ok(bytes.every((byte) => byte === i))
  assert.notEqual(taken[4]?.buffer, taken[0]?.buffer)
  assert.notEqual(taken[6]?.buffer, taken[0]?.buffer)
  arena.reset()
  const again = arena.take(1)
  assert.equal(again.buffer, taken[0]?.buffer)
  assert.equal(again.byteOffset, taken[0]?.byteOffset)
})
