// What pods may ask of their node, on a real host: every row runs its own pods, all on one agent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentRows } from './environment-rows.ts'
import { probeRows } from './probe-rows.ts'
import { volumeRows } from './volume-rows.ts'
import { World } from './world.ts'

test('a real node', { concurrency: 6 }, async (t) => {
  const world = await World.start(t)
  await Promise.all([...probeRows(t, world), ...volumeRows(t, world), ...environmentRows(t, world)])
  await world.clear()
  assert.deepEqual(world.node.leftovers(), [])
})
