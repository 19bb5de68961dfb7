// What pods may ask of their node, on a real host: every row runs its own pods, all on one agent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentApiRows } from './agent-api-rows.ts'
import { environmentRows } from './environment-rows.ts'
import { lifecycleRows } from './lifecycle-rows.ts'
import { limitsRows } from './limits-rows.ts'
import { probeRows } from './probe-rows.ts'
import { volumeRows } from './volume-rows.ts'
import { World } from './world.ts'

test('a real node', { concurrency: 6 }, async (t) => {
  const world = await World.start(t, { logs: { maxBytes: 100_000, maxFiles: 3, intervalMs: 250 } })
  await Promise.all([
    ...probeRows(t, world),
    ...volumeRows(t, world),
    ...environmentRows(t, world),
    ...lifecycleRows(t, world),
    ...limitsRows(t, world),
    ...agentApiRows(t, world),
  ])
  await world.clear()
  assert.deepEqual(world.node.leftovers(), [])
})
