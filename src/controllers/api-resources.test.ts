// What controllers work on without knowing it: every kind once, where it is stored.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_RESOURCES } from '../api/all.ts'
import { startCluster } from '../testing/cluster.ts'
import { discover } from './api-resources.ts'

test('every kind is discovered once, in the version that is stored', async () => {
  await using cluster = await startCluster()
  const { kinds, failures } = await discover(cluster.client, new AbortController().signal)
  assert.deepEqual(failures, [])
  const found = kinds.map(({ resource: { apiVersion, plural } }) => `${apiVersion} ${plural}`)
  const stored = ALL_RESOURCES.map(({ apiVersion, plural }) => `${apiVersion} ${plural}`)
  assert.deepEqual(found.sort(), stored.sort())
})
