// Unused images go when the disk fills up; what is used or new stays.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPodReady } from '../../api/core/pod/readiness.ts'
import { SimulatedNode } from '../../testing/simulated-node.ts'

const GIB = 2 ** 30

test('unused images go when the disk fills up, not before, and not those in use', async (t) => {
  const node = await SimulatedNode.start(t, { images: ['web:1', 'old:1', 'older:1'] })
  const tags = async () => (await node.runtime.listImages()).flatMap(({ repoTags }) => repoTags).sort()
  await node.create('web')
  await node.until('web', (p) => p !== undefined && isPodReady(p))
  await node.cluster.advance('6m')
  const all = await tags()
  assert.equal(all.length, 3)
  node.imageDisk = { capacityBytes: 100 * GIB, availableBytes: 5 * GIB }
  await node.cluster.advance('6m')
  assert.deepEqual(
    await tags(),
    all.filter((tag) => tag.includes('web')),
  )
  await node.idle()
  const told = await node.events('node1')
  assert.match(
    told.find(({ reason }) => reason === 'FreeDiskSpaceFailed')?.message ?? '',
    /^Failed to garbage collect required amount of images\. Attempted to free 16106127360 bytes, but only found \d+ bytes eligible to free\.$/,
  )
})
