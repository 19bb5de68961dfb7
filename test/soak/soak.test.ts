import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from './soak.ts'

/** The short form; `soak.ts` as a program goes on for as long as one likes. */
const ROUNDS = 4

test('clients that come and go, and a server that dies, break no promise', async (t) => {
  const report = await soak({ goOn: (rounds) => rounds < ROUNDS, seed: 1 })
  t.diagnostic(JSON.stringify(report))
  assert.equal(report.kills, 1)
  assert.ok(report.acknowledged > 400 && report.events > report.acknowledged, JSON.stringify(report))
})
