// The server, the agent or both are killed in the middle of 200 creates, a hundred times: nothing acknowledged is missing, no container is started again, watches go on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { survive } from './kill-nine.ts'

const ROUNDS = 100
const SEED = 1

test(`a cluster keeps every promise through ${ROUNDS} times kill -9 in the middle of 200 creates`, async (t) => {
  const report = await survive({ rounds: ROUNDS, seed: SEED })
  t.diagnostic(JSON.stringify(report))
  assert.ok(report.acknowledged > ROUNDS * 100 && report.unknown > ROUNDS, JSON.stringify(report))
})
