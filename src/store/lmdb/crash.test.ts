// A writer killed at random points loses nothing that it had acknowledged.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { crashRepeatedly } from './testing-crash.ts'

const ROUNDS = 10

test('store holds exactly what was acknowledged, and maybe more, after each kill -9', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-crash-'))
  try {
    const report = await crashRepeatedly({ directory, rounds: ROUNDS, random: seededRandom(5) })
    assert.equal(report.rounds, ROUNDS)
    assert.ok(report.acknowledged > 100)
  } finally {
    await rm(directory, { recursive: true })
  }
})
