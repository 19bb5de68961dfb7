// Ages as kubectl shows them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, humanDuration } from './duration.ts'

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400
const CASES: [seconds: number, text: string][] = [
  [-5, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [2 * MINUTE, '2m'],
  [3 * MINUTE + 20, '3m20s'],
  [10 * MINUTE + 20, '10m'],
  [3 * HOUR + 5 * MINUTE, '3h5m'],
  [9 * HOUR + 5 * MINUTE, '9h'],
  [47 * HOUR, '47h'],
  [2 * DAY + 4 * HOUR, '2d4h'],
  [8 * DAY + 4 * HOUR, '8d'],
  [2 * 365 * DAY + 3 * DAY, '2y3d'],
  [9 * 365 * DAY, '9y'],
]

test('humanDuration keeps two figures at most', () => {
  assert.deepEqual(
    CASES.map(([seconds]) => [seconds, humanDuration(seconds * 1000)]),
    CASES,
  )
})

test('age is unknown without a time', () => {
  assert.equal(age(undefined, 0), '<unknown>')
  assert.equal(age('1970-01-01T00:00:00Z', 5000), '5s')
})
