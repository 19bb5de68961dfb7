// Every parser and codec reads or refuses what is nearly right: it does not fall over. For longer: `scripts/run test/fuzz/fuzz.ts [seconds] [seed] [target]`.

import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { startCluster, type TestCluster } from '../../src/testing/cluster.ts'
import { mutated } from './mutations.ts'
import { parserTargets } from './parsers.ts'
import { requestTargets } from './requests.ts'
import { attempt, type Target } from './target.ts'
import { webSocketTargets } from './web-sockets.ts'
import { wireTargets } from './wires.ts'

const RUNS = 300
const REQUESTS = 60
const CONNECTIONS = 150
const SEED = 20_300_101

async function fuzz(target: Target, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(mutated(target.seeds), (bytes) => attempt(target, bytes)),
    { numRuns, seed: SEED, endOnFailure: true },
  )
}

describe('reads or refuses', () => {
  for (const target of [...parserTargets, ...wireTargets]) test(target.name, () => fuzz(target, RUNS))
})

describe('ends with the client', { timeout: 120_000 }, () => {
  for (const target of webSocketTargets) test(target.name, () => fuzz(target, CONNECTIONS))
})

describe('the API server answers', () => {
  let cluster: TestCluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster[Symbol.asyncDispose]())
  test('whatever the request', async (t) => {
    for (const target of requestTargets(cluster)) await t.test(target.name, () => fuzz(target, REQUESTS))
  })
})
