// A server killed in the middle of writes loses nothing that it acknowledged, and watches go on where they were.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crashServer } from './server-crash.ts'

const ROUNDS = 50
const SEED = 1

test(`drover server keeps every promise through ${ROUNDS} times kill -9 in the middle of writes`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-server-crash-'))
  const report = await crashServer({ directory, rounds: ROUNDS, seed: SEED })
  t.diagnostic(JSON.stringify({ ...report, seed: SEED }))
  assert.ok(report.acknowledged > ROUNDS * 20 && report.unknown > ROUNDS, JSON.stringify(report))
  // Kept on a failure, which throws above.
  await rm(directory, { recursive: true })
})
